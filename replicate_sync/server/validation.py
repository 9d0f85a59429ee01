"""Whether a JSON value is what a schema allows, and each problem where it is not."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from .schemas import Schema


class Problem(NamedTuple):
    """One fault in one field, in the words of the validator that Replicate uses."""

    type: str
    field: str
    description: str


def validate(value: Any, schema: Schema, field: str = "") -> list[Problem]:
    """Give every problem of a JSON value that its schema does not allow; none where it is right.

    A schema without `type` allows any type, and one with properties allows no others unless it says so.
    """
    if value is None and (schema.get("nullable") or "type" not in schema) and "enum" not in schema:
        return []
    if value is None and schema.get("nullable"):
        return []
    expected = schema.get("type")
    if expected and not _is(value, expected):
        return [Problem("invalid_type", field, f"Invalid type. Expected: {expected}, given: {_type(value)}")]
    if "enum" in schema and not any(value == one and _type(value) == _type(one) for one in schema["enum"]):
        allowed = ", ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"])
        name = field.rpartition(".")[2]
        return [Problem("enum", field, f"{name} must be one of the following: {allowed}")]
    if isinstance(value, dict) and "properties" in schema:
        return _in_object(value, schema, field)
    if isinstance(value, list) and schema.get("items"):
        return [p for i, one in enumerate(value) for p in validate(one, schema["items"], f"{field}.{i}")]
    if _type(value) in ("integer", "number"):
        return _in_number(value, schema, field)
    if isinstance(value, str) and schema.get("format") == "uri" and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:.", value):
        return [Problem("format", field, "Does not match format 'uri'")]
    return []


def _in_object(value: dict[str, Any], schema: Schema, field: str) -> list[Problem]:
    known = schema["properties"]
    missing = [name for name in schema.get("required", ()) if name not in value]
    found = [Problem("required", field, f"{name} is required") for name in missing]
    if not schema.get("additionalProperties"):
        unknown = [name for name in value if name not in known]
        words = "Additional property {} is not allowed"
        found += [Problem("additional_property_not_allowed", field, words.format(name)) for name in unknown]
    for name, prop in known.items():
        if name in value:
            found += validate(value[name], prop, f"{field}.{name}" if field else name)
    return found


def _in_number(value: float, schema: Schema, field: str) -> list[Problem]:
    found = []
    if "minimum" in schema and value < schema["minimum"]:
        words = f"Must be greater than or equal to {schema['minimum']:g}"
        found.append(Problem("number_gte", field, words))
    if "maximum" in schema and value > schema["maximum"]:
        found.append(Problem("number_lte", field, f"Must be less than or equal to {schema['maximum']:g}"))
    return found


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if value == value // 1 else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _is(value: Any, expected: str) -> bool:
    given = _type(value)
    return given == expected or (expected == "number" and given == "integer")
