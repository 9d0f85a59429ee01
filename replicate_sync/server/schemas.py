"""From the signature of a Python function to the schemas of its input and output, as in Cog."""

from __future__ import annotations

import collections.abc
import inspect
import io
import json
import pathlib
import sys
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union

from .json_types import JSONObject

if sys.version_info >= (3, 14):
    import annotationlib

Schema: TypeAlias = JSONObject
"""A schema in the dialect of OpenAPI 3.0, with the extensions (`x-…`) that Cog uses."""

_JSON_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)
_FILES = (pathlib.PurePath, io.IOBase, typing.IO, bytes)
TEXT_STREAM: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Output",
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}
"""The schema of an output that is streamed as pieces of text."""


@dataclass(frozen=True)
class Between:
    """The bounds of a number: `steps: Annotated[int, Between(1, 50)] = 20`.

    A string in `Annotated` is the input's description.

    Attributes:
        least: The smallest value that is allowed, or None for no bound.
        most: The largest value that is allowed, or None for no bound.
    """

    least: float | None = None
    most: float | None = None


def input_schema(function: Callable[..., object]) -> Schema:
    """Return the schema of a function's keyword arguments.

    Arguments without a default are required. One without an annotation, or with one that cannot be
    evaluated, accepts anything. `**kwargs` allows unknown names.
    """
    schema: Schema = {"type": "object", "title": "Input", "properties": {}}
    required: list[str] = []
    names = _names(function)
    for name, parameter in _signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            schema["additionalProperties"] = True
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        prop: Schema = {
            "title": name.replace("_", " ").strip().capitalize(),
            "x-order": len(schema["properties"]),
        }
        prop |= value_schema(_evaluate(parameter.annotation, names))
        if parameter.default is parameter.empty:
            required.append(name)
        elif parameter.default is None:
            prop["nullable"] = True
        else:
            prop |= _default(parameter.default)
        schema["properties"][name] = prop
    if required:
        schema["required"] = required
    return schema


def output_schema(function: Callable[..., object]) -> Schema:
    """Return the schema of what a function returns.

    A generator function without an annotation streams text.
    """
    hint = _evaluate(_signature(function).return_annotation, _names(function))
    if hint is Any:
        if _is_generator_function(function):
            return dict(TEXT_STREAM)
        return {"title": "Output"}
    if hint in _ITERATORS or typing.get_origin(hint) in _ITERATORS:
        arguments = typing.get_args(hint) or (str,)
        item = value_schema(arguments[0])
        if item == {"type": "string"}:
            return dict(TEXT_STREAM)
        return {"type": "array", "items": item, "title": "Output", "x-cog-array-type": "iterator"}
    return value_schema(hint) | {"title": "Output"}


def value_schema(hint: object) -> Schema:
    """Return the schema of an annotation.

    Args:
        hint: A type, or a form of `typing`; one with no counterpart in JSON has an empty schema.
    """
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Annotated:
        return value_schema(arguments[0]) | _notes(arguments[1:])
    if origin is Literal:
        return _literal_schema(arguments)
    if origin in (Union, types.UnionType):
        return _union_schema(arguments)
    kind = origin or hint
    if not isinstance(kind, type):
        return {}
    return _type_schema(kind, arguments)


def schema_of(value: object) -> Schema:
    """Return the schema of a value; a list has one for its items where they all share it."""
    if isinstance(value, (list, tuple)):
        schemas = [schema_of(item) for item in value]
        if schemas and all(schema == schemas[0] for schema in schemas):
            return {"type": "array", "items": schemas[0]}
        return {"type": "array", "items": {}}
    if value is None:
        return {}
    return value_schema(type(value))


def is_iterator(output: Schema) -> bool:
    """Return whether a model with this output schema streams its output piece by piece."""
    return output.get("x-cog-array-type") == "iterator"


def is_image_type(kind: type) -> bool:
    """Return whether a type is that of Pillow's images.

    It is recognized by its name, so that Pillow is imported only where a picture is made.
    """
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in kind.__mro__)


def description(function: Callable[..., object]) -> str | None:
    """Return the first paragraph of a function's docstring on one line, or None."""
    paragraph = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return " ".join(paragraph.split()) or None


def _type_schema(kind: type, arguments: tuple[object, ...]) -> Schema:
    if kind in _JSON_TYPES:
        return {"type": _JSON_TYPES[kind]}
    if _is_file(kind):
        return {"type": "string", "format": "uri"}
    if issubclass(kind, collections.abc.Mapping):
        return {"type": "object"}
    if issubclass(kind, (collections.abc.Sequence, collections.abc.Set)):
        items: Schema = {}
        if arguments:
            items = value_schema(arguments[0])
        return {"type": "array", "items": items}
    return {}


def _literal_schema(values: tuple[object, ...]) -> Schema:
    kinds = {_JSON_TYPES.get(type(value), "") for value in values}
    schema: Schema = {"enum": list(values)}
    if len(kinds) == 1:
        schema = {"type": kinds.pop()} | schema
    return schema


def _union_schema(members: tuple[object, ...]) -> Schema:
    others = [member for member in members if member is not type(None)]
    schema: Schema = {}
    if len(others) < len(members):
        schema["nullable"] = True
    if len(others) == 1:
        schema |= value_schema(others[0])
    return schema


def _is_generator_function(function: Callable[..., object]) -> bool:
    if inspect.isgeneratorfunction(function):
        return True
    return not inspect.isroutine(function) and inspect.isgeneratorfunction(type(function).__call__)


def _signature(function: Callable[..., object]) -> inspect.Signature:
    try:
        if sys.version_info >= (3, 14):
            # Annotations are evaluated late there: one that fails would hide the whole signature.
            return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
        return inspect.signature(function)
    except (TypeError, ValueError, NameError):  # some builtins have none
        anything = inspect.Parameter("inputs", inspect.Parameter.VAR_KEYWORD)
        return inspect.Signature([anything])


class _Names(NamedTuple):
    """What the names in a function's annotations mean."""

    global_names: dict[str, object]
    local_names: dict[str, object]


def _names(function: Callable[..., object]) -> _Names:
    unwrapped = inspect.unwrap(function)
    routine: object = unwrapped
    if not inspect.isroutine(unwrapped):
        routine = type(unwrapped).__call__
    global_names = getattr(routine, "__globals__", {})
    local_names: dict[str, object] = {}
    if inspect.isfunction(unwrapped):
        local_names = dict(inspect.getclosurevars(unwrapped).nonlocals)
    return _Names(global_names, local_names)


def _evaluate(annotation: object, names: _Names) -> object:
    """Return what an annotation means; one that cannot be evaluated means anything.

    Each is evaluated alone, so that a bad annotation does not spoil the others.
    """
    if annotation is inspect.Parameter.empty or annotation is None:
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        hints = typing.get_type_hints(holder, *names, include_extras=True)
    except Exception:  # an annotation may be any expression, and fail in any way
        return Any
    return hints["it"]


def _default(value: object) -> Schema:
    if isinstance(value, pathlib.PurePath):
        value = str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return {}
    return {"default": value}


def _notes(notes: tuple[object, ...]) -> Schema:
    schema: Schema = {}
    for note in notes:
        if isinstance(note, str):
            schema["description"] = note
        elif isinstance(note, Between):
            if note.least is not None:
                schema["minimum"] = note.least
            if note.most is not None:
                schema["maximum"] = note.most
    return schema


def _is_file(kind: type) -> bool:
    return is_image_type(kind) or issubclass(kind, _FILES)
