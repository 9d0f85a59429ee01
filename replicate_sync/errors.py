"""Every way a call can fail, as an exception that says what happened and what to do.

Three roots: no answer (`ConnectionFailed`), an answer that is not the expected one (`ResponseError`), and a prediction
that did not succeed (`PredictionError`, `StreamError`). Each class also inherits the builtin that a caller who knows
Python, and not this library, would catch.

`from_response` is the pure rule behind `ResponseError`: status, headers and body in, exception out. It follows
https://replicate.com/docs/reference/http and RFC 7807 (problem details).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

__all__ = [
    "AuthenticationError",
    "ConnectionFailed",
    "InvalidInputError",
    "MissingAuthError",
    "ModelNotFoundError",
    "PaymentRequiredError",
    "PredictionCanceled",
    "PredictionError",
    "PredictionFailed",
    "PredictionTimeout",
    "RateLimitError",
    "ReplicateError",
    "ResponseError",
    "ServerError",
    "StreamError",
]

TOKEN_VARIABLE = "REPLICATE_API_TOKEN"
TOKEN_PAGE = "https://replicate.com/account/api-tokens"
QUOTED = 200  # characters of a foreign body or log that an error message quotes


@dataclass(frozen=True)
class Response:
    """The HTTP answer behind a `ResponseError`, as plain values: it holds no request, hence no token."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body decoded from JSON. Raises ValueError where it is none."""
        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}, {len(self.content)} bytes>"


class ReplicateError(Exception):
    """The base of all errors of this package."""

    #: The live `Prediction` that the failed call was about, where there is one; it may still be running.
    prediction: Any = None


class MissingAuthError(ReplicateError, ValueError):
    """There is no usable API token; raised before anything is sent."""


class ConnectionFailed(ReplicateError, ConnectionError):
    """No answer came. `maybe_created` tells whether a prediction may exist all the same."""

    #: Whether the request may have reached the server, so that what it asked for may have been done.
    maybe_sent: bool = False
    #: Whether a prediction may have been created that this program does not know of.
    maybe_created: bool = False


class ResponseError(ReplicateError):
    """An answer came, and it is not the expected one."""

    #: The HTTP status, or None where the error was found before anything was sent.
    status_code: int | None = None
    #: The problem's title and detail (RFC 7807), where the answer had them.
    title: str | None = None
    detail: str | None = None
    #: The answer itself: `.status_code`, `.headers`, `.content`, `.text`, `.json()`.
    response: Response | None = None


class AuthenticationError(ResponseError):
    """The token was refused (401), or it may not do this (403)."""


class PaymentRequiredError(ResponseError):
    """The account has no credit left (402)."""


class ModelNotFoundError(ResponseError, LookupError):
    """There is no such model, or the token may not see it."""


class InvalidInputError(ResponseError, ValueError):
    """The input is not what the model or the API takes (422), or an argument is wrong. Nothing was created."""

    #: One dict per problem, as the API sent them: `type`, `field`, `description`.
    fields: Sequence[Mapping[str, Any]] = ()


class RateLimitError(ResponseError):
    """Too many requests (429). Nothing was created."""

    #: Seconds after which the API says that it will listen again, or None.
    retry_after: float | None = None


class ServerError(ResponseError):
    """Replicate, or something on the way to it, failed (5xx)."""

    #: Whether a prediction may have been created that this program does not know of.
    maybe_created: bool = False


class PredictionError(ReplicateError):
    """A prediction did not give a result; `.prediction` is the live object."""


class PredictionFailed(PredictionError):
    """The model raised an error, or the platform failed to run it."""


class PredictionCanceled(PredictionError):
    """The prediction was canceled, or aborted before it started."""


class PredictionTimeout(PredictionError, TimeoutError):
    """The prediction had not ended when the waiting did. It still runs, and was not canceled."""


class StreamError(ReplicateError):
    """A stream broke in a way that could not be mended; `.text` is what had arrived."""

    #: The text that was yielded before the stream broke: always a prefix of what the model wrote.
    text: str = ""


def quoted(body: bytes | str) -> str:
    """Give the beginning of a foreign body or log on one line, fit for a message."""
    text = body[: 8 * QUOTED].decode("utf-8", "replace") if isinstance(body, bytes) else body[: 8 * QUOTED]
    text = " ".join(text.split())
    return text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"


def add(error: ReplicateError, sentence: str) -> None:
    """Add a sentence to an error's message."""
    error.args = (f"{error} {sentence}", *error.args[1:])


def missing_token() -> MissingAuthError:
    """The error for a call that needs a token and has none."""
    return MissingAuthError(
        f"No API token: set the environment variable {TOKEN_VARIABLE}, or pass api_key=. Tokens are made at {TOKEN_PAGE}"
    )


def from_response(
    status: int, headers: Mapping[str, str], body: bytes, *, doing: str, model: str | None = None
) -> ResponseError:
    """Decide which error an answer is.

    `doing` names the request ("POST /predictions"), `model` the model it was about, so that a 404 can be told from a
    lost prediction. `headers` must be case-insensitive, as those of requests are.
    """
    problem = _problem(body)
    title, detail = _text(problem.get("title")), _text(problem.get("detail"))
    said = detail or title or quoted(body) or "no explanation"
    kind = _kind(status, model)
    error = kind(
        f"{_HAPPENED.get(kind, f'The API answered {status}')} to {doing}: {quoted(said)}{_remedy(kind, status, model)}"
    )
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
_HAPPENED: dict[type[ResponseError], str] = {
    ModelNotFoundError: "No such model was found in answer",
    InvalidInputError: "The input was refused in answer",
    RateLimitError: "Too many requests: the API answered 429",
    PaymentRequiredError: "Out of credit: the API answered 402",
}


def _kind(status: int, model: str | None) -> type[ResponseError]:
    if status == 404 and model is not None:
        return ModelNotFoundError
    return _STATUS.get(status, ServerError if status >= 500 else ResponseError)


def _remedy(kind: type[ResponseError], status: int, model: str | None) -> str:
    if kind is ModelNotFoundError:
        see = "owner/name, see https://replicate.com/explore"
        return f". Check the spelling of {model!r} ({see}), or that your token may use it."
    if status == 401:
        return f". Check the token in {TOKEN_VARIABLE} or api_key=; new ones are made at {TOKEN_PAGE}"
    if status == 403:
        return ". The token is not allowed to do this, or something between you and the API blocks it."
    if kind is PaymentRequiredError:
        return ". Add credit at https://replicate.com/account/billing, wait a few minutes, then try again."
    if kind is InvalidInputError:
        return ". Nothing was created; correct the input and call again."
    if kind is RateLimitError:
        return ". Nothing was created; wait and call again, or send fewer requests at a time."
    if kind is ServerError:
        return ". This is not your program's fault: try again in a while, or see https://www.replicatestatus.com"
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
