"""What a Cog predictor accepts and returns, as the OpenAPI document for Cog's worker.

A program of its own, for the Python that has Cog and in the folder of the predictor, so that only
that process imports what the predictor imports. Its one argument is `file.py:name`. It writes one
JSON object with `document` and `slots`, the number of predictions that the predictor runs at a
time, or with `error`, and a traceback on the standard error.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import enum
import functools
import importlib.util
import inspect
import json
import os
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, Union

Schema: TypeAlias = dict[str, Any]

_ITERATORS = (collections.abc.Iterator, collections.abc.AsyncIterator)
_OBJECT: Schema = {"type": "object"}
_FILE: Schema = {"type": "string", "format": "uri"}
_SECRET: Schema = {
    "type": "string",
    "format": "password",
    "writeOnly": True,
    "x-cog-secret": True,
}
_CONSTRAINTS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "regex",
    "description": "description",
    "deprecated": "deprecated",
}


class UnknownTypeError(TypeError):
    """Cog has no schema for an annotation."""


def load(reference: str, optional: list[object]) -> Callable[..., object]:
    """Return the function that predicts, or the method of the class.

    Args:
        reference: `file.py:name`; without a name it is that of Runner or Predictor.
        optional: Each input with `Input(default=None)` is added to it: Cog itself cannot tell one
            from an input without a default.
    """
    import cog
    import cog.input

    create_input = cog.Input

    def recording_input(*default: object, **options: object) -> object:
        made = create_input(*default, **options)
        if made.default is None and (default or "default" in options):
            optional.append(made)
        return made

    cog.Input = recording_input
    cog.input.Input = recording_input
    path, _, name = reference.partition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if not name:
        name = "Runner" if hasattr(module, "Runner") else "Predictor"
    if not hasattr(module, name):
        raise AttributeError(f"{path} has no {name}")
    target = getattr(module, name)
    if inspect.isclass(target):
        return _find_method(target)
    predict: Callable[..., object] = target
    return predict


def _find_method(target: type) -> Callable[..., object]:
    import cog

    for name in ("run", "predict"):
        method = getattr(target, name, None)
        inherited = (getattr(base, name, None) for base in (cog.BaseRunner, cog.BasePredictor))
        if callable(method) and method not in inherited:
            found: Callable[..., object] = method
            return found
    raise ValueError(f"run or predict method not found: {target.__name__}")


def signature(predict: Callable[..., object], optional: list[object]) -> Schema:
    """Return the document and the slots of a function.

    An annotation that Cog has no schema for allows anything.

    Args:
        predict: The function that predicts.
        optional: The inputs that have None for a default.
    """
    plain = inspect.unwrap(predict)
    try:
        hints = typing.get_type_hints(plain, include_extras=True)
    except Exception:  # an annotation may be any expression, and fail in any way
        hints = {}
    input: Schema = {"type": "object", "title": "Input", "properties": {}}
    required = []
    parameters = [one for one in inspect.signature(plain).parameters.values() if one.name != "self"]
    for order, parameter in enumerate(parameters):
        name = parameter.name
        default = parameter.default
        prop: Schema = {"title": name.replace("_", " ").title(), "x-order": order}
        if name in hints:
            with contextlib.suppress(UnknownTypeError):
                prop |= input_schema(hints[name], default)
        if _default_value(default) is None and "nullable" not in prop:
            if default is None or any(default is one for one in optional):
                prop["nullable"] = True
            else:
                required.append(name)
        input["properties"][name] = prop
    if required:
        input["required"] = required
    output = output_schema(hints.get("return"))
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        output = {"type": "array", "items": {}} | output | {"x-cog-array-type": "iterator"}
    slots = getattr(predict, "__cog_concurrent_max__", 1)
    return {"document": document(input, output), "slots": slots}


def input_schema(hint: object, default: object) -> Schema:
    """Return the schema of one input, as far as its type and `Input` describe it.

    Args:
        hint: Its annotation.
        default: Its default, which may be what `Input` returns.

    Raises:
        UnknownTypeError: Cog has no schema for the annotation.
    """
    import cog

    schema = value_schema(hint)
    value = _default_value(default)
    if value is not None and not schema.get("x-cog-secret"):
        schema["default"] = _serialize_default(value, schema)
    if not isinstance(default, cog.FieldInfo):
        return schema
    if default.choices is not None:
        holder = schema["items"] if schema.get("type") == "array" else schema
        holder["enum"] = [_plain(choice) for choice in default.choices]
    if default.ge is not None:
        schema["minimum"] = _bound(default.ge, schema)
    if default.le is not None:
        schema["maximum"] = _bound(default.le, schema)
    for key, name in _CONSTRAINTS.items():
        if getattr(default, name) is not None:
            schema[key] = getattr(default, name)
    return schema


def output_schema(hint: object) -> Schema:
    """Return the schema of an output; one that Cog has no schema for is of any type.

    Args:
        hint: The annotation of what the function returns, None where there is none.
    """
    try:
        return {"title": "Output"} | _output_schema(hint)
    except UnknownTypeError:
        return {"title": "Output"}


def value_schema(hint: object) -> Schema:
    """Return the schema of an annotation, `nullable` where it allows None.

    Raises:
        UnknownTypeError: Cog has no schema for it.
    """
    import cog

    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Annotated:
        if cog.Opaque in arguments[1:]:
            return _opaque_schema(arguments[0])
        return value_schema(arguments[0])
    if origin in (Union, types.UnionType):
        return _union_schema(arguments)
    if hint is list or origin is list:
        items = value_schema(arguments[0]) if arguments else _OBJECT
        _require_plain(items)
        return {"type": "array", "items": items}
    if hint is dict or origin is dict or typing.is_typeddict(hint):
        return dict(_OBJECT)
    return dict(_scalar_schema(hint))


def _scalar_schema(hint: object) -> Schema:
    if isinstance(hint, collections.abc.Hashable) and hint in _scalars():
        return _scalars()[hint]
    if isinstance(hint, type) and issubclass(hint, os.PathLike):
        return _FILE
    raise UnknownTypeError(hint)


@functools.cache
def _scalars() -> dict[object, Schema]:
    import cog

    return {
        bool: {"type": "boolean"},
        float: {"type": "number"},
        int: {"type": "integer"},
        str: {"type": "string"},
        Any: _OBJECT,
        cog.File: _FILE,
        cog.Secret: _SECRET,
    }


def _union_schema(members: tuple[object, ...]) -> Schema:
    others = [member for member in members if member is not type(None)]
    schemas = [value_schema(member) for member in others]
    schema = schemas[0]
    if len(schemas) > 1:
        for one in schemas:
            if "anyOf" in one or "nullable" in one or "format" in one:
                raise UnknownTypeError(members)
        schema = {"anyOf": schemas}
    if len(others) < len(members):
        schema["nullable"] = True
    return schema


def _opaque_schema(hint: object) -> Schema:
    """Return the schema of JSON that Cog passes on as it is."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (Union, types.UnionType) and type(None) in arguments:
        others = [argument for argument in arguments if argument is not type(None)]
        return _opaque_schema(others[0]) | {"nullable": True}
    if hint is list or typing.get_origin(hint) is list:
        return {"type": "array", "items": _OBJECT}
    return dict(_OBJECT)


def _output_schema(hint: object) -> Schema:
    import cog

    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Annotated and cog.Opaque not in arguments[1:]:
        return _output_schema(arguments[0])
    if hint is Any:
        return {}
    if isinstance(hint, type) and (issubclass(hint, cog.BaseModel) or _is_pydantic(hint)):
        return _object_schema(hint)
    if origin in (*_ITERATORS, cog.ConcatenateIterator, cog.AsyncConcatenateIterator):
        items = value_schema(arguments[0])
        _require_plain(items)
        schema: Schema = {"type": "array", "items": items, "x-cog-array-type": "iterator"}
        if origin not in _ITERATORS:
            schema["x-cog-array-display"] = "concatenate"
        return schema
    schema = value_schema(hint)
    if "nullable" in schema:
        raise UnknownTypeError(hint)
    return schema


def _object_schema(kind: type) -> Schema:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields: Mapping[str, object] = getattr(kind, "model_fields", hints)  # the former is pydantic's
    properties = {}
    for name in fields:
        properties[name] = value_schema(hints[name])
        properties[name]["title"] = name.replace("_", " ").title()
    schema: Schema = {"type": "object", "properties": properties}
    required = [name for name, prop in properties.items() if "nullable" not in prop]
    if required:
        schema["required"] = required
    return schema


def _is_pydantic(kind: type) -> bool:
    return any(base.__module__ == "pydantic.main" for base in kind.__mro__)


def _require_plain(items: Schema) -> None:
    """Raise UnknownTypeError for items that Cog does not allow in a list."""
    if "items" in items or "anyOf" in items or "nullable" in items:
        raise UnknownTypeError(items)


def _default_value(default: object) -> object:
    """Return the value of a default, or None where there is none."""
    import cog

    value = default
    if isinstance(value, cog.FieldInfo):
        value = value.default
    if isinstance(value, dataclasses.Field):
        if callable(value.default_factory):
            return value.default_factory()
        return None
    if value is inspect.Parameter.empty:
        return None
    return value


def _serialize_default(value: object, schema: Schema) -> object:
    value = _plain(value)
    if schema.get("type") == "number" and isinstance(value, int):
        return float(value)
    if isinstance(value, (bool, int, float, str, list, dict)):
        return value
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    return value


def _bound(value: float, schema: Schema) -> float:
    if schema.get("type") == "integer" and value == int(value):
        return int(value)
    return float(value)


def document(input: Schema, output: Schema) -> Schema:
    """Return the least OpenAPI document that Cog accepts.

    Every predictor may stream in it, so that its logs come as they are written.

    Args:
        input: The schema of the input.
        output: The schema of the output.
    """
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {"/predictions": {"post": {"x-cog-streaming": True}}},
        "components": {"schemas": {"Input": input, "Output": output}},
    }


def main() -> None:
    """Write the signature of the predictor that the first argument names."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as result:
        os.dup2(2, 1)  # what the predictor prints as it is imported is not part of the result
        optional: list[object] = []
        try:
            json.dump(signature(load(sys.argv[1], optional), optional), result)
        except Exception as error:
            first_line = str(error).partition("\n")[0]
            json.dump({"error": f"{type(error).__name__}: {first_line}"}, result)
            raise


if __name__ == "__main__":
    main()
