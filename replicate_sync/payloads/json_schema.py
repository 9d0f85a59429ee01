"""JSON schemas, as models have them: references are resolved here."""

from __future__ import annotations

from collections.abc import Mapping

_COMPOSITIONS = ("allOf", "anyOf", "oneOf")
_MAX_REFERENCES = 8  # followed one after the other; a schema may refer to itself


def mapping_at(schema: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the object at a key of a schema; an empty one where there is none."""
    value = schema.get(key)
    if not isinstance(value, Mapping):
        return {}
    return value


def resolve_reference(
    schema: object, schemas: Mapping[str, object], depth: int = _MAX_REFERENCES
) -> Mapping[str, object]:
    """Return the schema that a schema stands for.

    References are followed, and an `allOf`, `anyOf` or `oneOf` with one alternative besides null is
    merged with what stands beside it.

    Args:
        schema: A schema, or a reference to it.
        schemas: The `components.schemas` that it may refer to.
        depth: How many references to follow at most.

    Returns:
        The schema; empty if there is none.
    """
    if not isinstance(schema, Mapping) or depth == 0:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        return resolve_reference(schemas.get(name), schemas, depth - 1)
    for keyword in _COMPOSITIONS:
        options = schema.get(keyword)
        if not isinstance(options, list):
            continue
        alternatives = [option for option in options if option != {"type": "null"}]
        if len(alternatives) == 1:
            siblings = {key: value for key, value in schema.items() if key != keyword}
            return {**resolve_reference(alternatives[0], schemas, depth - 1), **siblings}
    return schema
