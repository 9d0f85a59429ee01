"""Every way a call can fail, as an exception that says what happened and what to do.

Three roots: no answer (`ConnectionFailed`), an answer that is not the expected one (`ResponseError`), and a prediction
that did not succeed (`PredictionError`, `StreamError`). Each class also inherits the builtin that a caller who knows
Python, and not this library, would catch.

Which answer is which error is decided in `answers`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple

__all__ = [
    "AuthenticationError",
    "ConnectionFailed",
    "InvalidInputError",
    "MapError",
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
    "WebhookError",
]

TOKEN_VARIABLE = "REPLICATE_API_TOKEN"
TOKEN_PAGE = "https://replicate.com/account/api-tokens"
_HERE = os.path.dirname(__file__)
QUOTED = 200  # characters of a foreign body or log that an error message quotes


class Response(NamedTuple):
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

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of the error: what happened and what to do, and where; not the frames of this package."""
        line = _line_of(self.__traceback__)
        return [f"{type(self).__name__}: {self}" + (f"\n({line})" if line else "")]


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


class WebhookError(ReplicateError, ValueError):
    """A webhook is not what it says it is, or cannot be read."""


class MapError(ReplicateError):
    """One input of a map failed. What the others gave is here, and nothing of it is lost."""

    #: The position of the input that failed, from 0.
    position: int = 0
    #: Every result so far, by position: those that were yielded, and those of what was in flight.
    results: Mapping[int, Any] = MappingProxyType({})
    #: Every error so far, by position.
    errors: Mapping[int, Exception] = MappingProxyType({})


def quoted(body: bytes | str) -> str:
    """Give the beginning of a foreign body or log on one line, fit for a message."""
    text = body[: 8 * QUOTED].decode("utf-8", "replace") if isinstance(body, bytes) else body[: 8 * QUOTED]
    text = " ".join(text.split())
    return text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"


def add(error: ReplicateError, sentence: str) -> None:
    """Add a sentence to an error's message."""
    error.args = (f"{error} {sentence}", *error.args[1:])


def stopped(leaving: BaseException, what: str = "") -> None:
    """Let a notebook whose stop button was pressed show one line, which says what has become of the work."""
    if isinstance(leaving, KeyboardInterrupt):
        line = f"Stopped. {what}".strip()
        leaving._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]


def _line_of(traceback: TracebackType | None) -> str:
    """Say where the caller's own code stood when it called this package."""
    found = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(_HERE):
            break
        if "IPython" not in file:
            # A cell has no file that a person would know.
            in_cell = "ipykernel" in file or file.startswith("<")
            found = f"line {traceback.tb_lineno} of {'the cell' if in_cell else file}"
        traceback = traceback.tb_next
    return found


def missing_token() -> MissingAuthError:
    """The error for a call that needs a token and has none."""
    return MissingAuthError(
        f"No API token: set the environment variable {TOKEN_VARIABLE}, or pass api_key=. Tokens are made at {TOKEN_PAGE}"
    )
