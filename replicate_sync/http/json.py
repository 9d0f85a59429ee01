"""JSON as it is sent, and the type of what is received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from ..exceptions import InvalidInputError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""What a JSON text is parsed to."""


def serialize_json(value: object) -> bytes:
    """Return a value as JSON.

    Raises:
        InvalidInputError: JSON cannot express the value; the message names its key.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        where = name_unserializable(value)
        raise InvalidInputError(f"{where} cannot be sent as JSON: {error}") from error


def name_unserializable(value: object) -> str:
    """Return the words for that part of an input which JSON cannot express."""
    if not isinstance(value, Mapping):
        return "The input"
    for name, item in value.items():
        try:
            json.dumps(item, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return f"The input {name!r}"
    return "The input"
