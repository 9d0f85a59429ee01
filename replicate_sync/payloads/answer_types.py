"""The form of an answer: a JSON schema, or a type of Python, pydantic or msgspec.

pydantic and msgspec are used only where a type of theirs is given, so that they are loaded already.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ..exceptions import InvalidInputError
from .json_validation import problems, resolve_pointer
from .schema_validation import validate_schema
from .type_schemas import FORMS, converter, fields_of, type_schema

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

    def parse(self, value: Any) -> Any:
        """Return the answer that a JSON value is.

        Raises:
            ValueError: It does not conform; the message lists what is wrong.
        """
        try:
            found = problems(value, self.schema)
            if not found:
                return self.convert(value[_VALUE] if self.is_wrapped else value)
        except ValueError:
            raise
        except Exception as error:  # a type's own code may raise anything
            raise ValueError(f"{type(error).__name__}: {error}") from error
        raise ValueError("; ".join(found[:10]))


def answer_form(schema: object) -> AnswerForm:
    """Return the form of an answer.

    Args:
        schema: A JSON schema as a dict; or a type: a dataclass, a TypedDict, an Enum, a model of
            pydantic, a Struct of msgspec, `list[…]`, `dict[str, …]`, `Literal[…]`, a union, `str`,
            `int`, `float`, `bool`.

    Raises:
        InvalidInputError: It is none of these.
    """
    convert: Callable[[Any], Any] = _identity
    given: Any = schema
    if not isinstance(schema, Mapping):
        given, convert = _form_of_type(schema)
    try:
        document: dict[str, Any] = json.loads(json.dumps(given))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"The JSON schema is not JSON: {error}.") from error
    validate_schema(document)
    root: Any = document
    if "$ref" in document:
        root = resolve_pointer(document["$ref"], document)
    if isinstance(root, Mapping) and root.get("type") == "object":
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
    if depth > _MAX_DEPTH or not isinstance(schema, Mapping):
        return None  # it refers to itself, or allows anything
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
    try:
        leaves = list(_leaves(hint, []))
        if any(hasattr(leaf, "__pydantic_validator__") for leaf in leaves):
            return _pydantic_form(hint)
        if any(hasattr(leaf, "__struct_fields__") for leaf in leaves):
            return _msgspec_form(hint)
        return type_schema(hint), converter(hint, {})
    except InvalidInputError:
        raise
    except Exception as error:  # of pydantic or msgspec, of a value in the place of a type
        reason = str(error).partition("\n")[0].rstrip(".")
        hint_text = FORMS
        if isinstance(error, NameError):
            hint_text = "Define what the annotations name at the top of a module."
        raise InvalidInputError(
            f"{hint!r} cannot be the form of an answer: {reason}.", hint=hint_text
        ) from error


def _leaves(hint: Any, entered: list[Any]) -> Iterator[Any]:
    """Yield the types in a type, also those of its fields.

    Args:
        hint: The type.
        entered: The types whose fields have been looked at; those of this one are added.
    """
    arguments = typing.get_args(hint)
    if not arguments or typing.get_origin(hint) is Literal:
        yield hint
    for argument in arguments:
        yield from _leaves(argument, entered)
    is_foreign = hasattr(hint, "__pydantic_validator__") or hasattr(hint, "__struct_fields__")
    if is_foreign or hint in entered:
        return
    entered.append(hint)
    for one, _ in (fields_of(hint) or {}).values():
        yield from _leaves(one, entered)


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
