"""JSON that clients send: parsed, and refused where this server could not send it back."""

from __future__ import annotations

import json
import math

_MAX_DEPTH = 200  # of arrays and objects, as the serializers call themselves for each level
_MAX_DIGITS = 300  # of an integer, so that it is a number for every client


def parse_json(data: bytes | str) -> object:
    """Return the value of a JSON document.

    Args:
        data: The document; bytes are in UTF-8.

    Raises:
        ValueError: It is no JSON, has a number that JSON does not have or that is too large, or
            is nested too deeply.
    """
    try:
        if isinstance(data, bytes):
            data = data.decode(json.detect_encoding(data), "surrogatepass")
        value: object = _DECODER.decode(data)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"the number {text[:20]}... has more than {_MAX_DIGITS} digits")
    return int(text)


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_int
)


def _check_depth(value: object) -> None:
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH + 1:
            raise _too_deep()
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
