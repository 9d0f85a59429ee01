"""A model's input on its way out: what may be sent, and as which bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import InvalidInputError


def checked(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give a model's input as a dict of its own, or raise InvalidInputError where it is not a mapping of names."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"A model's input is a dict of its parameters, such as {{'prompt': '…'}}, not {type(given).__name__}."
        )
    if bad := [name for name in given if not isinstance(name, str)]:
        raise InvalidInputError(f"The names in a model's input must be strings; {bad[0]!r} is not.")
    encode(given)
    return dict(given)


def encode(body: Any) -> bytes:
    """Write JSON, or raise InvalidInputError that names the value JSON has no word for."""
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{_where(body)} cannot be sent as JSON: {error}") from error


def _where(body: Any) -> str:
    if isinstance(body, Mapping):
        for name, value in body.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError, RecursionError):
                return f"The input {name!r}"
    return "The input"
