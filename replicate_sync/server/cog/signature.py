"""Says what a Cog predictor takes and gives, as the OpenAPI document that Cog's worker wants to find.

A program of its own, for the Python that has Cog and in the folder of the predictor, so that only that process imports
what the predictor imports. `file.py:name` is its one argument; it writes one JSON object with `document` and `slots`, the
number of predictions that the predictor takes at a time, or `error`, and a traceback on the standard error.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import os
import sys
import typing
from pathlib import Path
from typing import Any

Schema = dict[str, Any]


def load(reference: str, optional: list[Any]) -> Any:
    """Give the function that predicts, or the method of the class; without a name it is Runner's or Predictor's.

    Each input with `Input(default=None)` is put into `optional`: Cog itself cannot tell it from one without a default.
    """
    import cog
    from cog import _inspector

    plain = cog.Input

    def marked(*default: Any, **more: Any) -> Any:
        made = plain(*default, **more)
        if made.default is None and (default or "default" in more):
            optional.append(made)
        return made

    cog.Input = cog.input.Input = marked
    path, _, name = reference.partition(":")
    found = importlib.util.spec_from_file_location(Path(path).stem, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = sys.modules[found.name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    name = name or ("Runner" if hasattr(module, "Runner") else "Predictor")
    if not hasattr(module, name):
        raise AttributeError(f"{path} has no {name}")
    _inspector._find_coders(module)
    target = getattr(module, name)
    return _inspector._selected_predict_method(target, name)[1] if inspect.isclass(target) else target


def signature(target: Any, optional: list[Any]) -> Schema:
    """Give the document and the slots of what predicts; an annotation that Cog has no name for allows anything."""
    from cog import _inspector

    plain = _inspector._unwrap(target)
    try:
        hints = typing.get_type_hints(plain, include_extras=True)
    except Exception:  # an annotation may be any expression, and fail in any way
        hints = {}
    hints = {name: _inspector._strip_non_opaque_annotated(hint) for name, hint in hints.items()}
    given: Schema = {"type": "object", "title": "Input", "properties": {}}
    required = []
    for order, (name, parameter) in enumerate(
        one for one in inspect.signature(plain).parameters.items() if one[0] != "self"
    ):
        missing = parameter.default is inspect.Parameter.empty
        default = None if missing else parameter.default
        schema: Schema = {"title": name.replace("_", " ").title(), "x-order": order}
        field = None
        try:
            field = _inspector._create_input_field(order, name, hints[name], default)
        except (KeyError, ValueError, TypeError):
            missing = missing or getattr(default, "default", default) is None
        else:
            schema |= prop(field)
            missing = field.default is None and "nullable" not in schema
        if missing and (any(default is one for one in optional) or parameter.default is None):
            schema["nullable"] = True
        elif missing:
            required.append(name)
        given["properties"][name] = schema
    if required:
        given["required"] = required
    try:
        made = _inspector._create_output_type(hints["return"]).json_type()
    except (KeyError, ValueError, TypeError):
        made = {"title": "Output"}
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        made = {"type": "array", "items": {}} | made | {"x-cog-array-type": "iterator"}
    return {"document": document(given, made), "slots": getattr(target, "__cog_concurrent_max__", 1)}


def prop(field: Any) -> Schema:
    """Give the schema of one input, as far as its type and what `Input` says of it tell it."""
    schema: Schema = field.type.json_type()
    if field.choices is not None:
        (schema["items"] if schema.get("type") == "array" else schema)["enum"] = field.choices
    if "OPTIONAL" in field.type.repetition.name:
        schema["nullable"] = True
    known = field.default
    if isinstance(known, dataclasses.Field):
        known = known.default_factory() if callable(known.default_factory) else None
    if known is not None and not schema.get("x-cog-secret"):
        schema["default"] = known if isinstance(known, (bool, int, float, str, list, dict)) else str(known)
    whole = (lambda value: int(value) if value == int(value) else value) if schema.get("type") == "integer" else float
    bounds = {"minimum": field.ge, "maximum": field.le}
    schema |= {key: whole(value) for key, value in bounds.items() if value is not None}
    words = {"minLength": field.min_length, "maxLength": field.max_length, "pattern": field.regex}
    more = words | {"description": field.description, "deprecated": field.deprecated}
    return schema | {key: value for key, value in more.items() if value is not None}


def document(given: Schema, made: Schema) -> Schema:
    """Give the least OpenAPI document that Cog takes; every predictor may stream in it, so that logs come as they are."""
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {"/predictions": {"post": {"x-cog-streaming": True}}},
        "components": {"schemas": {"Input": given, "Output": made}},
    }


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)  # what the predictor prints as it is imported is no part of the answer
        marks: list[Any] = []
        try:
            json.dump(signature(load(sys.argv[1], marks), marks), answer)
        except Exception as error:
            json.dump({"error": f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"}, answer)
            raise
