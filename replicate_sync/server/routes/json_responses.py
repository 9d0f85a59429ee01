"""JSON as Replicate's edge writes it: compact, with `< > &` escaped, and a newline at the end."""

from __future__ import annotations

import json
import math

from werkzeug.wrappers import Response

from .plain_response import PlainResponse
from .problems import APIError

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def serialize_json(value: object) -> bytes:
    """Return the bytes of a JSON value.

    Unpaired surrogates become question marks, and numbers that JSON does not have become null.
    """
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_without_constants(value))
    return f"{text.translate(_ESCAPES)}\n".encode("utf-8", "replace")


def _without_constants(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_constants(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_constants(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def sort_keys(value: object) -> object:
    """Return the same JSON value with the keys of its objects sorted, at every depth."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sort_keys(item) for item in value]
    return value


def json_response(value: object, status: int = 200, content_type: str = JSON) -> PlainResponse:
    """Return a response with a JSON body."""
    body = serialize_json(value)
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return PlainResponse(status, headers, [body])


def problem_response(error: APIError) -> PlainResponse:
    """Return the response for an error."""
    return json_response(error.body, error.status, PROBLEM)


def empty_response(status: int) -> Response:
    """Return a response without a body, and without the header that would name its type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
