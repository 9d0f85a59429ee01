"""What the schemas of old models leave out."""

from __future__ import annotations

import re
from typing import Any

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_FIRST_WITH_ARRAY_TYPE = (0, 3, 9)


def version_has_no_array_type(cog_version: str) -> bool | None:
    """Return whether schemas of this version of Cog do not say which lists are iterators.

    Returns:
        Whether it is older than 0.3.9; None where it is no version.
    """
    match = _NUMBERS.match(cog_version or "")
    if match is None:
        return None
    return tuple(int(part or 0) for part in match.groups()) < _FIRST_WITH_ARRAY_TYPE


def make_schema_backwards_compatible(schema: dict[str, Any], cog_version: str) -> dict[str, Any]:
    """Return the OpenAPI document of a version, in which an output that is an iterator says so."""
    output = schema.get("components", {}).get("schemas", {}).get("Output", {})
    if version_has_no_array_type(cog_version) and output.get("type") == "array":
        output["x-cog-array-type"] = "iterator"
    return schema


def has_iterator_output(schema: dict[str, Any], cog_version: str) -> bool:
    """Return whether the output of a version comes piece by piece."""
    compatible = make_schema_backwards_compatible(schema or {}, cog_version)
    output = compatible.get("components", {}).get("schemas", {}).get("Output", {})
    return bool(output.get("type") == "array" and output.get("x-cog-array-type") == "iterator")
