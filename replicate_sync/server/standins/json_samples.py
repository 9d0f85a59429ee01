"""A value that a JSON schema allows, for the stand-in of a model whose replies conform to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 8
_SAMPLES: dict[str, object] = {"string": "sample", "boolean": True, "null": None}


def sample(schema: object, depth: int = 0) -> Any:
    """Return a value for a schema, the same one each time.

    Args:
        schema: A JSON schema of the kind that such models take: no references, no alternatives.
        depth: How deep in the value it is.
    """
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: sample(one, depth + 1) for name, one in properties.items()}
    if kind == "array":
        count = max(1, schema.get("minItems", 1))
        return [sample(schema.get("items"), depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "string":
        return _text(schema)
    return _SAMPLES.get(str(kind))


def _number(schema: Mapping[str, Any]) -> int | float:
    least = schema.get("minimum", 1)
    return min(least, schema.get("maximum", least))  # type: ignore[no-any-return]


def _text(schema: Mapping[str, Any]) -> str:
    text = "sample"
    while len(text) < schema.get("minLength", 0):
        text += " sample"
    return text[: schema.get("maxLength", len(text))]
