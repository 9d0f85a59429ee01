"""JSON as Replicate's edge writes it: compact, `< > &` escaped, a newline at the end."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from .problems import Refusal

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def encode(value: Any) -> bytes:
    """Give the bytes of a JSON value; half characters, which UTF-8 cannot carry, become question marks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{text.translate(_ESCAPES)}\n".encode("utf-8", "replace")


def ordered(value: Any) -> Any:
    """Give the same JSON value with the keys of its objects sorted, at every depth."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(one) for one in value] if isinstance(value, list) else value


def answer(value: Any, status: int = 200, content_type: str = JSON) -> Response:
    """Give a response with a JSON body."""
    return Response(encode(value), status, content_type=content_type)


def problem(refusal: Refusal) -> Response:
    """Give a response that says what went wrong."""
    return answer(refusal.body, refusal.status, PROBLEM)
