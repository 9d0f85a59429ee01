"""Whether a JSON value is what a schema allows, and each problem where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from .schemas import Schema

_TYPE_NAMES = {
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    type(None): "null",
}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")


class Problem(NamedTuple):
    """One problem of one field, in the words of the validator that Replicate uses.

    Attributes:
        type: The kind of problem, such as "required" or "number_lte".
        field: The path to the field, such as "input.prompt"; "" for the whole value.
        description: What is wrong, as a sentence without a period.
    """

    type: str
    field: str
    description: str


def validate(value: object, schema: Schema, field: str = "") -> list[Problem]:
    """Return every problem of a JSON value, none where its schema allows it.

    A schema without `type` allows any type, and one with properties allows no others unless it
    says so in `additionalProperties`.

    Args:
        value: What `json.loads` returns.
        schema: The schema of the value.
        field: The path to the value, for the problems.
    """
    if value is None and _allows_null(schema):
        return []
    expected = schema.get("type")
    if expected and not _has_type(value, expected):
        description = f"Invalid type. Expected: {expected}, given: {_type_name(value)}"
        return [Problem("invalid_type", field, description)]
    if "enum" in schema and not any(_equal(value, choice) for choice in schema["enum"]):
        allowed = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"])
        name = field.rpartition(".")[2]
        return [Problem("enum", field, f"{name} must be one of the following: {allowed}")]
    return _validate_parts(value, schema, field)


def _validate_parts(value: object, schema: Schema, field: str) -> list[Problem]:
    """Return every problem of a value that has the right type."""
    if isinstance(value, dict) and "properties" in schema:
        return _validate_object(value, schema, field)
    if isinstance(value, list) and schema.get("items"):
        return _validate_items(value, schema["items"], field)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _validate_number(value, schema, field)
    if isinstance(value, str) and schema.get("format") == "uri" and not _URI.match(value):
        return [Problem("format", field, "Does not match format 'uri'")]
    return []


def _allows_null(schema: Schema) -> bool:
    return bool(schema.get("nullable")) or ("type" not in schema and "enum" not in schema)


def _validate_object(value: Mapping[str, object], schema: Schema, field: str) -> list[Problem]:
    properties = schema["properties"]
    problems = [
        Problem("required", field, f"{name} is required")
        for name in schema.get("required", ())
        if name not in value
    ]
    if not schema.get("additionalProperties"):
        problems += [
            Problem(
                "additional_property_not_allowed",
                field,
                f"Additional property {name} is not allowed",
            )
            for name in value
            if name not in properties
        ]
    for name, prop in properties.items():
        if name in value:
            path = f"{field}.{name}".removeprefix(".")
            problems += validate(value[name], prop, path)
    return problems


def _validate_items(values: list[object], schema: Schema, field: str) -> list[Problem]:
    problems = []
    for index, value in enumerate(values):
        problems += validate(value, schema, f"{field}.{index}")
    return problems


def _validate_number(value: float, schema: Schema, field: str) -> list[Problem]:
    problems = []
    if "minimum" in schema and value < schema["minimum"]:
        description = f"Must be greater than or equal to {schema['minimum']:g}"
        problems.append(Problem("number_gte", field, description))
    if "maximum" in schema and value > schema["maximum"]:
        description = f"Must be less than or equal to {schema['maximum']:g}"
        problems.append(Problem("number_lte", field, description))
    return problems


def _equal(value: object, choice: object) -> bool:
    # In Python True == 1, in JSON it is not.
    return value == choice and _type_name(value) == _type_name(choice)


def _has_type(value: object, expected: str) -> bool:
    name = _type_name(value)
    return name == expected or (expected == "number" and name == "integer")


def _type_name(value: object) -> str:
    if isinstance(value, float):
        return "integer" if value == value // 1 else "number"
    return _TYPE_NAMES.get(type(value), "object")
