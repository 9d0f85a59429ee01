"""Which error an answer is: status, headers and body in, exception out.

Follows https://replicate.com/docs/reference/http and RFC 7807 (problem details). `headers` are to be case-insensitive
mappings, as those of requests are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from .errors import (
    TOKEN_PAGE,
    TOKEN_VARIABLE,
    AuthenticationError,
    InvalidInputError,
    ModelNotFoundError,
    PaymentRequiredError,
    RateLimitError,
    Response,
    ResponseError,
    ServerError,
    quoted,
)
from .settings import origin


def refused(status: int, headers: Mapping[str, str], body: bytes, *, doing: str, model: str | None = None) -> ResponseError:
    """Decide which error an answer is that gave no value."""
    if status >= 400:
        return from_response(status, headers, body, doing=doing, model=model)
    if 200 <= status < 300:
        return unexpected(status, headers, body, doing=doing, wanted="JSON")
    target = origin(headers.get("Location") or "")
    where = f" to {target[1]}" if target else ""
    return unexpected(status, headers, body, doing=doing, wanted=f"an answer but a redirect{where}, not followed")


def from_response(
    status: int, headers: Mapping[str, str], body: bytes, *, doing: str, model: str | None = None
) -> ResponseError:
    """Decide which error an answer is.

    `doing` names the request ("POST /predictions"), `model` the model it was about, so that a 404 can be told from a
    lost prediction.
    """
    problem = _problem(body)
    title, detail = _text(problem.get("title")), _text(problem.get("detail"))
    said = detail or title or quoted(body) or "no explanation"
    kind = _kind(status, model)
    error = kind(f"The API answered {status} to {doing}: {quoted(said).rstrip('.')}.{_remedy(kind, status, model)}")
    error.status_code, error.title, error.detail = status, title, detail
    error.response = Response(status, headers, body)
    if isinstance(error, InvalidInputError):
        fields = problem.get("invalid_fields")
        error.fields = [f for f in fields if isinstance(f, dict)] if isinstance(fields, list) else []
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after(headers, problem)
    return error


def unexpected(status: int, headers: Mapping[str, str], body: bytes, *, doing: str, wanted: str) -> ResponseError:
    """The error for an answer that came under a good status and is still not what it should be."""
    kind = headers.get("Content-Type", "no content type")
    error = ResponseError(
        f"The API's answer to {doing} is not {wanted} (status {status}, {quoted(kind)}): "
        f"{quoted(body) or 'an empty body'}. Check base_url, and any proxy between."
    )
    error.status_code, error.response = status, Response(status, headers, body)
    return error


def retry_after(headers: Mapping[str, str], problem: Mapping[str, Any]) -> float | None:
    """How many seconds the API asks to wait: the first that is there of the header `Retry-After` (seconds or a date),
    the body's `retry_after`, a time named in its text, and the header `ratelimit-reset`.
    """
    candidates = (
        _seconds(headers.get("Retry-After")),
        _seconds(problem.get("retry_after")),
        _seconds_in_text(problem.get("detail")),
        _seconds(headers.get("ratelimit-reset")),
    )
    return next((seconds for seconds in candidates if seconds is not None), None)


_STATUS: dict[int, type[ResponseError]] = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: AuthenticationError,
    422: InvalidInputError,
    429: RateLimitError,
}


def _kind(status: int, model: str | None) -> type[ResponseError]:
    if status == 404 and model is not None:
        return ModelNotFoundError
    return _STATUS.get(status, ServerError if status >= 500 else ResponseError)


def _remedy(kind: type[ResponseError], status: int, model: str | None) -> str:
    if kind is ModelNotFoundError:
        see = "owner/name, see https://replicate.com/explore"
        return f" There is no such model, or your token may not use it: check the spelling of {model!r} ({see})."
    if status == 401:
        return f" Check the token in {TOKEN_VARIABLE} or api_key=; new ones are made at {TOKEN_PAGE}"
    if status == 403:
        return " The token is not allowed to do this, or something between you and the API blocks it."
    if kind is PaymentRequiredError:
        return " Add credit at https://replicate.com/account/billing, wait a few minutes, then try again."
    if kind is InvalidInputError:
        return " Nothing was created; correct the input and call again."
    if kind is RateLimitError:
        return " Nothing was created; wait and call again, or send fewer requests at a time."
    if kind is ServerError:
        return " This is not your program's fault; see https://www.replicatestatus.com."
    return ""


def _problem(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _seconds_until(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        return None
    return float(value)


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _seconds_in_text(detail: Any) -> float | None:
    found = re.search(r"(?:resets in ~?|available in )(\d+(?:\.\d+)?)\s*s", detail) if isinstance(detail, str) else None
    return float(found[1]) if found else None
