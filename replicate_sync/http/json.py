"""JSON as it is sent, and the type of what is received."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import TypeAlias

from ..exceptions import InvalidInputError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""What a JSON text is parsed to."""


_MAX_DEPTH = 20  # of what a message names
_EMPTY_CELL_HINT = "An empty cell of a table is NaN: leave such a key out, or make it None."
_EMPTY_CELLS = ("NAType", "NaTType")  # the types of pandas' own


def serialize_json(value: object, label: str = "input") -> bytes:
    """Return a value as JSON.

    Args:
        value: The value.
        label: What a message calls it.

    Raises:
        InvalidInputError: JSON cannot express the value; the message names its key.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        path, part = _find_unserializable(value)
        reason = str(error)
        hint = ""
        if isinstance(part, float):
            reason = f"it is {part!r}."
            hint = _EMPTY_CELL_HINT
        elif type(part).__name__ in _EMPTY_CELLS:
            hint = _EMPTY_CELL_HINT
        where = _describe_path(path, label)
        message = f"{where} cannot be sent as JSON: {reason}"
        raise InvalidInputError(message, hint=hint) from error.with_traceback(None)


def name_unserializable(value: object) -> str:
    """Return the words for that part of an input which JSON cannot express."""
    return _describe_path(_find_unserializable(value)[0][:1], "input")


def _find_unserializable(value: object) -> tuple[list[str], object]:
    """Return the keys that lead to what JSON cannot express, and that value."""
    path: list[str] = []
    for _ in range(_MAX_DEPTH):
        items: Iterable[tuple[object, object]] = ()
        if isinstance(value, Mapping):
            items = value.items()
        elif isinstance(value, list | tuple):
            items = zip(repeat(None), value)  # an index is not a name
        for key, item in items:
            if not _is_serializable(item):
                if key is not None:
                    path.append(str(key))
                value = item
                break
        else:
            return path, value
    return path[:1], value  # nested too deep, or in itself


def _describe_path(path: list[str], label: str) -> str:
    if path:
        return f"The {label} {'.'.join(path)!r}"
    return f"The {label}"


def _is_serializable(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
