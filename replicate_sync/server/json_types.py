"""The type of JSON objects."""

from __future__ import annotations

from typing import Any, TypeAlias

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object as `json.loads` returns it; its values are of any JSON type."""
