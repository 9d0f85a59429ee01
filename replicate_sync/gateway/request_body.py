"""The bodies of requests: JSON objects, and what is expected in them."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import request

from .errors import GatewayError

_Value = TypeVar("_Value")


def json_body() -> dict[str, Any]:
    """Return the body of the present request.

    Raises:
        GatewayError: It is not a JSON object, or is not declared as JSON: a web page may send
            anything else without being asked.
    """
    if not request.is_json:
        raise GatewayError(415, "The body must be JSON, with `Content-Type: application/json`.")
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise GatewayError(400, "The body is not a JSON object.")
    return body


def field(body: dict[str, Any], name: str, kind: type[_Value]) -> _Value | None:
    """Return a field of a body, None where it is not given or null.

    Raises:
        GatewayError: It is of another type.
    """
    value = body.get(name)
    if value is None:
        return None
    is_stray_bool = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kind) or is_stray_bool:
        raise GatewayError(400, f"{name!r} is of a wrong type.", param=name)
    return value


def required_text(body: dict[str, Any], name: str) -> str:
    """Return a field that must be a text.

    Raises:
        GatewayError: It is not.
    """
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise GatewayError(400, f"{name!r} is needed, as a string.", param=name)
    return value
