"""The form of an answer: a JSON schema, or a type of Python, pydantic or msgspec.

pydantic and msgspec are used only where a type of theirs is given, so that they are loaded already.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Union

from ..exceptions import InvalidInputError
from .json_validation import problems, resolve_pointer, validate_schema

_JSON_TYPES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    None: "null",
}
# What a schema must not have for a model that guarantees it.
_NOT_STRICT = {"anyOf", "oneOf", "allOf", "not", "prefixItems", "uniqueItems"}
_DEFINITIONS = ("$defs", "definitions")
_MAX_DEPTH = 20
_VALUE = "value"  # the name under which a value that is no object is asked for


class AnswerForm(NamedTuple):
    """What an answer must be."""

    #: A JSON schema, always one of an object.
    schema: Mapping[str, Any]
    #: Whether the value is in an object of its own, since it is none itself. What is cut is no
    #: object any more, whereas the beginning of a number is a number.
    is_wrapped: bool
    #: Makes the value of the type that was given; raises ValueError where it cannot.
    convert: Callable[[Any], Any]

    def parse(self, value: object) -> Any:
        """Return the answer that a JSON value is.

        Raises:
            ValueError: It does not conform; the message lists what is wrong.
        """
        found = problems(value, self.schema)
        if found:
            raise ValueError("; ".join(found[:10]))
        if self.is_wrapped:
            assert isinstance(value, dict)
            value = value[_VALUE]
        return self.convert(value)


def answer_form(schema: object) -> AnswerForm:
    """Return the form of an answer.

    Args:
        schema: A JSON schema as a dict; or a type: a dataclass, a TypedDict, an Enum, a model of
            pydantic, a Struct of msgspec, `list[…]`, `dict[str, …]`, `Literal[…]`, a union, `str`,
            `int`, `float`, `bool`.

    Raises:
        InvalidInputError: It is none of these.
    """
    if isinstance(schema, Mapping):
        document: Mapping[str, Any] = schema
        convert: Callable[[Any], Any] = _identity
    else:
        document, convert = _form_of_type(schema)
    validate_schema(document)
    try:
        json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"The JSON schema is not JSON: {error}.") from error
    root = document
    if "$ref" in document:
        root = resolve_pointer(document["$ref"], document)
    if root.get("type") == "object":
        return AnswerForm(document, False, convert)
    definitions = {key: document[key] for key in _DEFINITIONS if key in document}
    inner = {key: value for key, value in document.items() if key not in definitions}
    wrapper = {
        "type": "object",
        "properties": {_VALUE: inner},
        "required": [_VALUE],
        "additionalProperties": False,
        **definitions,
    }
    return AnswerForm(wrapper, True, convert)


def strict_schema(
    schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, depth: int = 0
) -> dict[str, Any] | None:
    """Return a schema as models take one that guarantee it, or None where it cannot be put so.

    They take no references or alternatives, and every property must be required.

    Args:
        schema: The schema.
        root: Where its references lead; itself by default.
        depth: How deep in `root` it is.
    """
    root = root or schema
    if depth > _MAX_DEPTH:
        return None  # it refers to itself
    if "$ref" in schema:
        return strict_schema(resolve_pointer(schema["$ref"], root), root, depth + 1)
    if _NOT_STRICT & set(schema):
        return None
    strict = {key: value for key, value in schema.items() if key not in _DEFINITIONS}
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        inner = {name: strict_schema(one, root, depth + 1) for name, one in properties.items()}
        is_closed = schema.get("additionalProperties", False) is False
        are_required = bool(inner) and set(schema.get("required", ())) == set(inner)
        if None in inner.values() or not (is_closed and are_required):
            return None
        strict |= {"properties": inner, "additionalProperties": False}
    if "items" in schema:
        strict["items"] = strict_schema(schema["items"], root, depth + 1)
        if strict["items"] is None:
            return None
    return strict


def _identity(value: Any) -> Any:
    return value


def _form_of_type(hint: Any) -> tuple[Mapping[str, Any], Callable[[Any], Any]]:
    leaves = list(_leaves(hint))
    if any(hasattr(leaf, "__pydantic_validator__") for leaf in leaves):
        return _pydantic_form(hint)
    if any(hasattr(leaf, "__struct_fields__") for leaf in leaves):
        return _msgspec_form(hint)
    return _type_schema(hint), _converter(hint)


def _leaves(hint: Any) -> Iterator[Any]:
    arguments = typing.get_args(hint)
    if not arguments or typing.get_origin(hint) is Literal:
        yield hint
    for argument in arguments:
        yield from _leaves(argument)


def _pydantic_form(hint: Any) -> tuple[Mapping[str, Any], Callable[[Any], Any]]:
    adapter = sys.modules["pydantic"].TypeAdapter(hint)

    def convert(value: Any) -> Any:
        return adapter.validate_json(json.dumps(value))  # its ValidationError is a ValueError

    return adapter.json_schema(), convert


def _msgspec_form(hint: Any) -> tuple[Mapping[str, Any], Callable[[Any], Any]]:
    msgspec: Any = sys.modules["msgspec"]

    def convert(value: Any) -> Any:
        try:
            return msgspec.json.decode(json.dumps(value).encode(), type=hint)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error

    return msgspec.json.schema(hint), convert


def _type_schema(hint: Any) -> dict[str, Any]:
    """Return the schema of a type of Python's own."""
    if hint is Any:
        return {}
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type_schema(one) for one in arguments]}
    if (origin or hint) is list:
        return {"type": "array", "items": _type_schema(arguments[0]) if arguments else {}}
    if (origin or hint) is dict and (not arguments or arguments[0] is str):
        items = _type_schema(arguments[1]) if arguments else {}
        return {"type": "object", "additionalProperties": items or True}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    fields = _fields(hint)
    if fields is None:
        raise InvalidInputError(
            f"{hint!r} cannot be the form of an answer.",
            hint="Use a JSON schema, a dataclass, a TypedDict, or a model of pydantic or msgspec.",
        )
    schema = {
        "type": "object",
        "title": hint.__name__,
        "properties": {name: _type_schema(one) for name, (one, _) in fields.items()},
        "required": [name for name, (_, is_required) in fields.items() if is_required],
        "additionalProperties": False,
    }
    if hint.__doc__ and not hint.__doc__.startswith(f"{hint.__name__}("):
        schema["description"] = hint.__doc__
    return schema


def _fields(hint: Any) -> dict[str, tuple[Any, bool]] | None:
    """Return the fields of a dataclass or TypedDict: type, and whether it is required."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        missing = dataclasses.MISSING
        return {
            one.name: (
                hints[one.name],
                one.default is missing and one.default_factory is missing,
            )
            for one in dataclasses.fields(hint)
            if one.init
        }
    if typing.is_typeddict(hint):
        hints = typing.get_type_hints(hint)
        return {name: (one, name in hint.__required_keys__) for name, one in hints.items()}
    return None


def _converter(hint: Any) -> Callable[[Any], Any]:
    """Return what makes a value of a type of a JSON value that conforms to its schema."""
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if (origin or hint) is list and arguments:
        convert_item = _converter(arguments[0])
        return lambda items: [convert_item(item) for item in items]
    if (origin or hint) is dict and arguments:
        convert_item = _converter(arguments[1])
        return lambda items: {name: convert_item(item) for name, item in items.items()}
    if origin in (Union, types.UnionType):
        options = [(_type_schema(one), _converter(one)) for one in arguments]
        return lambda value: _convert_union(value, options)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if hint is int or hint is float:
        return hint
    fields = _fields(hint)
    if fields is None:
        return _identity
    convert_fields = {name: _converter(one) for name, (one, _) in fields.items()}

    def convert(value: Any) -> Any:
        return hint(**{name: convert_fields[name](item) for name, item in value.items()})

    return convert


def _convert_union(value: Any, options: list[tuple[dict[str, Any], Callable[[Any], Any]]]) -> Any:
    for schema, convert in options:
        if not problems(value, schema):
            return convert(value)
    raise ValueError("it is none of the forms that are allowed")
