"""Types of Python's own as JSON schemas, and JSON values as values of these types.

A type that has itself in it is a definition in its schema:

    class Tree(TypedDict):
        branches: list[Tree]

    {"$ref": "#/$defs/Tree", "$defs": {"Tree": {"properties": {"branches": {"items": …
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union

from ..exceptions import InvalidInputError
from .json_validation import problems

FORMS = "Use a JSON schema, a dataclass, a TypedDict, or a model of pydantic or msgspec."
_JSON_TYPES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    None: "null",
}


def type_schema(hint: Any) -> dict[str, Any]:
    """Return the schema of a type of Python's own.

    Raises:
        InvalidInputError: The type has no schema.
        TypeError: It is no type, or a dataclass that cannot be made of its fields alone.
        NameError: An annotation names nothing.
    """
    builder = _SchemaBuilder()
    schema = builder.schema(hint)
    if builder.definitions:
        schema["$defs"] = builder.definitions
    return schema


class _SchemaBuilder:
    """Builds the schema of a type; a type that has itself in it becomes a definition."""

    def __init__(self) -> None:
        #: The schemas of types that have themselves in them, by name.
        self.definitions: dict[str, Any] = {}
        self._entered: list[Any] = []  # the types around the one that is being built
        self._names: dict[Any, str] = {}  # of the types that were found in themselves

    def schema(self, hint: Any) -> dict[str, Any]:
        """Return the schema of a type."""
        hint, _ = _unwrapped(hint)
        if hint is Any:
            return {}
        if hint in _JSON_TYPES:
            return {"type": _JSON_TYPES[hint]}
        arguments = typing.get_args(hint)
        kind = typing.get_origin(hint) or hint
        if kind is Literal:
            return {"enum": list(arguments)}
        if kind in (Union, types.UnionType):
            return {"anyOf": [self.schema(one) for one in arguments]}
        if kind is list:
            return {"type": "array", "items": self.schema(arguments[0]) if arguments else {}}
        if kind is dict and (not arguments or arguments[0] is str):
            items = self.schema(arguments[1]) if arguments else {}
            return {"type": "object", "additionalProperties": items or True}
        return self._schema_of_class(hint)

    def _schema_of_class(self, hint: Any) -> dict[str, Any]:
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return {"enum": [member.value for member in hint]}
        fields = fields_of(hint)
        if fields is None:
            raise InvalidInputError(f"{hint!r} cannot be the form of an answer.", hint=FORMS)
        if hint in self._names or hint in self._entered:
            return self._reference(hint)
        self._entered.append(hint)
        schema = {
            "type": "object",
            "title": hint.__name__,
            "properties": {name: self.schema(one) for name, (one, _) in fields.items()},
            "required": [name for name, (_, is_required) in fields.items() if is_required],
            "additionalProperties": False,
        }
        if hint.__doc__ and not hint.__doc__.startswith(f"{hint.__name__}("):
            schema["description"] = hint.__doc__
        self._entered.pop()
        if hint not in self._names:
            return schema
        self.definitions[self._names[hint]] = schema
        return self._reference(hint)

    def _reference(self, hint: Any) -> dict[str, Any]:
        if hint not in self._names:
            name = hint.__name__
            while name in self._names.values():
                name += "_"
            self._names[hint] = name
        return {"$ref": f"#/$defs/{self._names[hint]}"}


def _unwrapped(hint: Any) -> tuple[Any, bool | None]:
    """Return a type without `Annotated`, `Required` and the like, and what they say of a field."""
    is_required = None
    while True:
        origin = typing.get_origin(hint)
        name = getattr(origin, "_name", "")
        if name == "Required":
            is_required = True
        elif name == "NotRequired":
            is_required = False
        elif name != "ReadOnly" and origin is not Annotated:
            return hint, is_required
        hint = typing.get_args(hint)[0]


def fields_of(hint: Any) -> dict[str, tuple[Any, bool]] | None:
    """Return the fields of a dataclass or TypedDict: type, and whether it is required.

    Raises:
        TypeError: A dataclass cannot be made of its fields alone.
        NameError: An annotation names nothing.
    """
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        missing = dataclasses.MISSING
        fields = {
            one.name: (
                hints[one.name],
                one.default is missing and one.default_factory is missing,
            )
            for one in dataclasses.fields(hint)
            if one.init
        }
        inspect.signature(hint).bind(**fields)
        return fields
    if typing.is_typeddict(hint):
        found = {}
        # Whether an annotation that is a text says "required", only its own words tell.
        for name, one in typing.get_type_hints(hint, include_extras=True).items():
            plain, is_required = _unwrapped(one)
            if is_required is None:
                is_required = name in hint.__required_keys__
            found[name] = (plain, is_required)
        return found
    return None


def converter(hint: Any, known: dict[Any, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return what makes a value of a type of a JSON value that conforms to its schema.

    Args:
        hint: The type.
        known: The converters of types with fields so far; this one is added.
    """
    hint, _ = _unwrapped(hint)
    arguments = typing.get_args(hint)
    kind = typing.get_origin(hint) or hint
    if kind is list and arguments:
        convert_item = converter(arguments[0], known)
        return lambda items: [convert_item(item) for item in items]
    if kind is dict and arguments:
        convert_item = converter(arguments[1], known)
        return lambda items: {name: convert_item(item) for name, item in items.items()}
    if kind in (Union, types.UnionType):
        options = [(type_schema(one), converter(one, known)) for one in arguments]
        return lambda value: _convert_union(value, options)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if hint is int or hint is float:
        return hint
    if hint not in known:
        fields = fields_of(hint)
        if fields is None:
            return lambda value: value
        return _fields_converter(hint, fields, known)
    return known[hint]


def _fields_converter(
    hint: Any, fields: dict[str, tuple[Any, bool]], known: dict[Any, Callable[[Any], Any]]
) -> Callable[[Any], Any]:
    converters: dict[str, Callable[[Any], Any]] = {}

    def convert(value: Any) -> Any:
        return hint(**{name: converters[name](item) for name, item in value.items()})

    known[hint] = convert  # now, as a field may be of this very type
    for name, (one, _) in fields.items():
        converters[name] = converter(one, known)
    return convert


def _convert_union(value: Any, options: list[tuple[dict[str, Any], Callable[[Any], Any]]]) -> Any:
    for schema, convert in options:
        if not problems(value, schema):
            return convert(value)
    raise ValueError("it is none of the forms that are allowed")
