"""From the signature of a Python function to the schemas of its input and output, as Cog writes them."""

from __future__ import annotations

import collections.abc
import inspect
import io
import json
import pathlib
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

Schema = dict[str, Any]

_PLAIN: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_STREAMS = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)
_ASYNC_STREAMS = (
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)
TEXT_STREAM: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Output",
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}
"""The schema of an output that is text, piece by piece."""


_TRAINED: Schema = {
    "type": "object",
    "title": "TrainingOutput",
    "required": ["version"],
    "properties": {"version": {"type": "string"}, "weights": {"type": "string", "format": "uri"}},
}


@dataclass(frozen=True)
class Between:
    """The least and the greatest value of a number: `steps: Annotated[int, Between(1, 50)] = 20`.

    None is no bound. A string in `Annotated` is the input's description.
    """

    least: float | None = None
    most: float | None = None


def input_schema(function: Callable[..., Any]) -> Schema:
    """Give the schema of a function's keyword arguments; those without a default are required.

    A parameter without an annotation, or with one that cannot be read, takes anything.
    `**kwargs` allows unknown names.
    """
    schema: Schema = {"type": "object", "title": "Input", "properties": {}}
    required: list[str] = []
    for name, parameter in _signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            schema["additionalProperties"] = True
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        prop: Schema = {
            "title": name.replace("_", " ").strip().capitalize(),
            "x-order": len(schema["properties"]),
        }
        prop |= value_schema(_read(function, parameter.annotation))
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


def output_schema(function: Callable[..., Any]) -> Schema:
    """Give the schema of what a function returns; a generator function without annotation streams text."""
    signature = _signature(function)
    hint = _read(function, signature.return_annotation)
    if hint is Any:
        code = function if inspect.isroutine(function) else type(function).__call__
        streams = any(map(inspect.isgeneratorfunction, (function, code)))
        return dict(TEXT_STREAM) if streams else {"title": "Output"}
    if typing.get_origin(hint) in (*_STREAMS, *_ASYNC_STREAMS) or hint in (*_STREAMS, *_ASYNC_STREAMS):
        item = value_schema((typing.get_args(hint) or (str,))[0])
        if item == {"type": "string"}:
            return dict(TEXT_STREAM)
        return {"type": "array", "items": item, "title": "Output", "x-cog-array-type": "iterator"}
    return value_schema(hint) | {"title": "Output"}


def value_schema(hint: Any) -> Schema:
    """Give the schema of one annotation; an annotation that says nothing in JSON gives an empty one."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return value_schema(arguments[0]) | _notes(arguments[1:])
    if origin is Literal:
        kinds = {_PLAIN.get(type(value), "") for value in arguments}
        return ({"type": kinds.pop()} if len(kinds) == 1 else {}) | {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        nullable: Schema = {"nullable": True} if len(others) < len(arguments) else {}
        return nullable | (value_schema(others[0]) if len(others) == 1 else {})
    kind = origin or hint
    if not isinstance(kind, type):
        return {}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if _is_file(kind):
        return {"type": "string", "format": "uri"}
    if issubclass(kind, collections.abc.Mapping):
        return {"type": "object"}
    if issubclass(kind, (collections.abc.Sequence, collections.abc.Set)) and kind is not bytes:
        return {"type": "array", "items": value_schema(arguments[0]) if arguments else {}}
    return {}


def of(value: Any) -> Schema:
    """Give the schema of a value; of a list, that of its items where they have one in common."""
    if isinstance(value, (list, tuple)):
        kinds = [of(item) for item in value]
        return {"type": "array", "items": kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else {}}
    return {} if value is None else value_schema(type(value))


def is_iterator(output: Schema) -> bool:
    """Tell whether a model with this output gives it piece by piece."""
    return output.get("x-cog-array-type") == "iterator"


def description(function: Callable[..., Any]) -> str | None:
    """Give the first paragraph of a function's docstring, on one line."""
    first = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return " ".join(first.split()) or None


def document(given: Schema, made: Schema, training: Schema | None = None) -> Schema:
    """Give the OpenAPI document that a Cog container with these schemas of input and output would serve."""
    schemas: Schema = {"Input": {}, "Output": made}
    schemas["Input"] = _hoisted(given, schemas)
    if training is not None:
        schemas["TrainingInput"] = _hoisted(training, schemas)
        schemas["TrainingOutput"] = _TRAINED
    reference = {key: {"$ref": f"#/components/schemas/{key}"} for key in ("Input", "Output", "PredictionRequest")}
    schemas["PredictionRequest"] = {
        "type": "object", "title": "PredictionRequest", "properties": {"input": reference["Input"]}
    }  # fmt: skip
    schemas["PredictionResponse"] = {
        "type": "object", "title": "PredictionResponse",
        "properties": {"input": reference["Input"], "output": reference["Output"]},
    }  # fmt: skip
    body = {"content": {"application/json": {"schema": reference["PredictionRequest"]}}}
    answer = {"200": {"description": "Successful Response"}}
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {
            "/health-check": {"get": {"summary": "Healthcheck", "responses": answer}},
            "/predictions": {"post": {"summary": "Predict", "requestBody": body, "responses": answer}},
        },
        "components": {"schemas": schemas},
    }


def _hoisted(given: Schema, schemas: Schema) -> Schema:
    """Give a schema whose choices are schemas of their own, put among `schemas`."""
    properties: Schema = {}
    for name, prop in given["properties"].items():
        if "enum" in prop:
            enum = {"type": prop.get("type", "string"), "title": name, "enum": prop["enum"]}
            schemas[name] = enum | {"description": "An enumeration."}
            prop = {key: value for key, value in prop.items() if key not in ("enum", "type", "title")}
            prop["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]
        properties[name] = prop
    return given | {"properties": properties}


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError, NameError):  # some builtins have none
        return inspect.Signature([inspect.Parameter("inputs", inspect.Parameter.VAR_KEYWORD)])


def _read(function: Callable[..., Any], annotation: Any) -> Any:
    """Evaluate one annotation, alone, so that one that cannot be read spoils no other."""
    if annotation is inspect.Parameter.empty or annotation is None:
        return Any
    plain = inspect.unwrap(function)
    names = getattr(plain if inspect.isroutine(plain) else type(plain).__call__, "__globals__", {})
    local: dict[str, Any] = {}
    if inspect.isfunction(plain):
        local = dict(inspect.getclosurevars(plain).nonlocals)
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, names, local, include_extras=True)["it"]
    except Exception:  # an annotation may be any expression, and fail in any way
        return Any


def _default(value: Any) -> Schema:
    value = str(value) if isinstance(value, pathlib.PurePath) else value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return {}
    return {"default": value}


def _notes(notes: tuple[Any, ...]) -> Schema:
    found: Schema = {}
    for note in notes:
        if isinstance(note, str):
            found["description"] = note
        elif isinstance(note, Between):
            found |= {} if note.least is None else {"minimum": note.least}
            found |= {} if note.most is None else {"maximum": note.most}
    return found


def _is_file(kind: type) -> bool:
    files = (pathlib.PurePath, io.IOBase, typing.IO, bytes)
    # Told by its name, so that Pillow is needed only where a picture is made.
    picture = any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in kind.__mro__)
    return picture or issubclass(kind, files)
