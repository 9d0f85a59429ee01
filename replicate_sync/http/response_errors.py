"""Which exception a response is: status, headers and body in, exception out.

Follows https://replicate.com/docs/reference/http and RFC 7807 (problem details). Headers are
case-insensitive mappings, as those of requests are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from time import time

from ..exceptions import (
    TOKEN_PAGE,
    TOKEN_VARIABLE,
    AuthenticationError,
    InputRejectedError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
    Response,
    ResponseError,
    ServerError,
    UnknownModelError,
    excerpt,
)
from .clock import parse_date
from .config import origin

_CLASSES: dict[int, type[ResponseError]] = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: AuthenticationError,
    404: NotFoundError,
    422: InputRejectedError,
    429: RateLimitError,
}
_HINTS: dict[int, str] = {
    401: f"Check the token in {TOKEN_VARIABLE} or api_key=; new ones are made at {TOKEN_PAGE}",
    402: "Add credit at https://replicate.com/account/billing, wait a few minutes, then try again.",
    403: "The token is not allowed to do this, or something between you and the API blocks it.",
    404: "Check the id or name, and that the token is one of the account that it belongs to.",
    422: "Nothing was created; correct the input and call again.",
    429: "Nothing was created; wait and call again, or send fewer requests at a time.",
}
_SERVER_HINT = "This is not your program's fault; see https://www.replicatestatus.com."
_LONGEST = 1e9  # seconds; what is longer is no pause, and may be more than a float can hold
_PAUSE_IN_TEXT = r"(?:resets in ~?|available in )(\d+(?:\.\d+)?)\s*s"  # compiled when needed


def error_for_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    purpose: str,
    expected: str = "JSON",
    model: str | None = None,
) -> ResponseError:
    """Return the error for a response that brought no value, or not the expected one.

    Args:
        status: Its HTTP status.
        headers: Its headers.
        body: Its body.
        purpose: The request in words, such as "POST /predictions".
        expected: What a response of a good status is not, in words.
        model: The model that the request was about, if any: its 404 means that there is no such
            model.
    """
    if status >= 400:
        return error_from_status(status, headers, body, purpose=purpose, model=model)
    if status >= 300:
        target = origin(headers.get("Location") or "")
        if target:
            where = f" to {target[1]}"
        else:
            where = ""
        expected = f"a value but a redirect{where}, which is not followed"
    return unexpected_response(status, headers, body, purpose=purpose, expected=expected)


def error_from_status(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    purpose: str,
    model: str | None = None,
) -> ResponseError:
    """Return the error for a response whose status is one of an error; see `error_for_response`."""
    problem = _parse_problem(body)
    title = _text(problem.get("title"))
    detail = _text(problem.get("detail"))
    explanation = excerpt(detail or title or excerpt(body) or "no explanation").rstrip(".")
    error_class = _class_of(status, model)
    error = error_class(
        f"The API responded {status} to {purpose}: {explanation}.",
        Response(status, headers, body),
        hint=_hint(error_class, status, model),
        title=title,
        detail=detail,
    )
    if isinstance(error, InputRejectedError):
        fields = problem.get("invalid_fields")
        if isinstance(fields, list):
            error.fields = [f for f in fields if isinstance(f, dict)]
        else:
            error.fields = []
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after(headers, problem)
    return error


def unexpected_response(
    status: int, headers: Mapping[str, str], body: bytes, *, purpose: str, expected: str
) -> ResponseError:
    """Return the error for a response of a good status that is not what it should be.

    Args:
        status: Its HTTP status.
        headers: Its headers.
        body: Its body.
        purpose: The request in words, such as "GET /predictions".
        expected: What the response is not, in words.
    """
    content_type = excerpt(headers.get("Content-Type", "no content type"))
    quotation = excerpt(body) or "an empty body"
    return ResponseError(
        f"The response to {purpose} is not {expected} (status {status}, {content_type}): "
        f"{quotation}.",
        Response(status, headers, body),
        hint="Check base_url, and any proxy between.",
    )


def is_cut_short(response: Response) -> bool:
    """Return whether a response of a good status has the beginning of a JSON text, or nothing."""
    if not 200 <= response.status_code < 300:
        return False
    beginning = response.content.lstrip()[:1]
    if beginning not in (b"", b"{", b"["):
        return False
    try:
        response.json()
    except ValueError:
        return True
    except RecursionError:
        return False
    return False


def retry_after(headers: Mapping[str, str], problem: Mapping[str, object]) -> float | None:
    """Return the seconds that the API asks to wait, or None.

    The first of these that is there: the header `Retry-After` (seconds or a date), the body's
    `retry_after`, a time named in the body's text, and the header `ratelimit-reset`.
    """
    candidates = (
        _seconds(headers.get("Retry-After")),
        _seconds_until(headers.get("Retry-After"), headers.get("Date")),
        _seconds(problem.get("retry_after")),
        _seconds_in_text(problem.get("detail")),
        _seconds(headers.get("ratelimit-reset")),
    )
    return next((seconds for seconds in candidates if seconds is not None), None)


def _class_of(status: int, model: str | None) -> type[ResponseError]:
    if status == 404 and model is not None:
        return UnknownModelError
    if status >= 500:
        return ServerError
    return _CLASSES.get(status, ResponseError)


def _hint(error_class: type[ResponseError], status: int, model: str | None) -> str:
    if error_class is UnknownModelError:
        return (
            "There is no such model, or your token may not use it: check the spelling of "
            f"{model!r} (owner/name, see https://replicate.com/explore)."
        )
    if error_class is ServerError:
        return _SERVER_HINT
    return _HINTS.get(status, "")


def _parse_problem(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(value, dict):
        return value
    return {}


def _text(value: object) -> str | None:
    if isinstance(value, str) and value.strip():
        return value
    return None


def _seconds(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if 0 <= value <= _LONGEST:
        return float(value)
    return None


def _seconds_until(date: str | None, now: str | None) -> float | None:
    """Return the seconds until a date, by the clock of the response that names it.

    Args:
        date: The date.
        now: The date of the response; without one, the clock of this machine counts.
    """
    end = parse_date(date)
    if end is None:
        return None
    begin = parse_date(now)
    if begin is None:
        begin = time()
    return max(0.0, end - begin)


def _seconds_in_text(detail: object) -> float | None:
    if isinstance(detail, str):
        match = re.search(_PAUSE_IN_TEXT, detail)
    else:
        match = None
    if match:
        return float(match[1])
    return None
