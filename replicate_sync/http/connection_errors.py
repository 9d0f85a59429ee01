"""What it means that no complete response arrived: which error it is, and whether to retry.

Reads the exceptions of requests, and of what lies below it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPException, InvalidURL
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3

from ..exceptions import ConnectionFailed, ResponseError, excerpt
from .sessions import CONNECT_TIMEOUT

#: What a session, or a hook or adapter of it, raises that is not made for requests.
SESSION_EXCEPTIONS = (TypeError, AttributeError, LookupError)
#: What a request may raise because of the network, the other side, or a URL.
TRANSPORT_EXCEPTIONS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
    *SESSION_EXCEPTIONS,
)

_RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})
_MAX_CAUSES = 10


def is_retryable(error: BaseException) -> bool:
    """Return whether a request that may be repeated freely is worth another attempt."""
    if was_not_processed(error):
        return True
    if isinstance(error, ConnectionFailed):
        return error.maybe_sent and not isinstance(error.__cause__, SESSION_EXCEPTIONS)
    return isinstance(error, ResponseError) and error.status_code in _RETRYABLE_STATUSES


def was_not_processed(error: BaseException) -> bool:
    """Return whether a request provably had no effect, for a reason that may pass."""
    if isinstance(error, ConnectionFailed):
        permanent = (ssl.SSLError, ValueError, InvalidURL, requests.exceptions.SSLError)
        return not error.maybe_sent and not isinstance(error.__cause__, permanent)
    return isinstance(error, ResponseError) and error.status_code == 429


def connection_failed(
    cause: Exception, url: str, purpose: str, timeout: float, *, repeatable: bool
) -> ConnectionFailed:
    """Return the error for a request that was not responded to.

    Args:
        cause: What requests raised.
        url: The URL of the request.
        purpose: The request in words, such as "POST /predictions".
        timeout: The longest silence that was allowed, in seconds.
        repeatable: Whether the request may be sent again; else the hint does not say so.
    """
    request = getattr(cause, "request", None)
    if request is not None and request.headers:
        # Tracebacks and debuggers show the cause.
        request.headers.pop("Authorization", None)
    causes = list(_causes(cause))
    diagnosis = _diagnose(causes, timeout)
    if not isinstance(cause, SESSION_EXCEPTIONS):  # which are the caller's own
        _drop_frames(cause)
    what = diagnosis.what.format(host=_host_of(url))
    if diagnosis.maybe_sent and not repeatable:
        hint = ""
    else:
        hint = diagnosis.hint
    error = ConnectionFailed(f"{what} (during {purpose}).", hint=hint)
    error.maybe_sent = diagnosis.maybe_sent
    return error


class _Diagnosis(NamedTuple):
    #: Whether the request may have reached the server.
    maybe_sent: bool
    #: What happened, with {host} in it.
    what: str
    #: What to do about it.
    hint: str


def _diagnose(causes: list[BaseException], timeout: float) -> _Diagnosis:
    if isinstance(causes[0], SESSION_EXCEPTIONS):
        return _Diagnosis(
            True,
            f"The session raised {type(causes[0]).__name__} for the request to {{host}}",
            "Check session=, its hooks and its adapters.",
        )
    for kinds, diagnosis in _never_sent(timeout):
        if _any_is(causes, kinds) and not _is_broken(causes):
            return diagnosis
    if _any_is(causes, (ssl.SSLError, requests.exceptions.SSLError)):
        return _Diagnosis(
            True,
            "The TLS connection to {host} failed",
            "Check that base_url is https, and any proxy between.",
        )
    if isinstance(causes[0], ValueError) or _any_is(causes, (InvalidURL,)):
        name = type(causes[0]).__name__
        return _Diagnosis(
            False,
            f"The request to {{host}} could not be made ({name})",
            "Check base_url, proxy and headers.",
        )
    timeouts = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    if _any_is(causes, timeouts):
        return _Diagnosis(
            True,
            f"{{host}} was silent for {timeout:g} s",
            "Try again, or allow more with timeout=.",
        )
    return _Diagnosis(
        True, "The connection to {host} was lost before the response was complete", "Try again."
    )


_Kinds = tuple[type[BaseException], ...]


def _never_sent(timeout: float) -> Iterator[tuple[_Kinds, _Diagnosis]]:
    """Yield the failures before the request left this machine, in the order of the tests."""
    yield (
        (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL),
        _Diagnosis(
            False,
            "The proxy on the way to {host} cannot be used",
            "Check proxy=, HTTPS_PROXY and NO_PROXY.",
        ),
    )
    yield (
        (ssl.SSLCertVerificationError,),
        _Diagnosis(
            False,
            "{host} has no certificate that is trusted here",
            "Check base_url, the clock, and REQUESTS_CA_BUNDLE.",
        ),
    )
    yield (
        (urllib3.exceptions.NameResolutionError,),
        _Diagnosis(False, "{host} cannot be found", "Check the network connection and base_url."),
    )
    yield (
        (requests.exceptions.ConnectTimeout,),
        _Diagnosis(
            False,
            f"{{host}} accepted no connection within {min(CONNECT_TIMEOUT, timeout):g} s",
            "Check the network connection.",
        ),
    )
    yield (
        (urllib3.exceptions.NewConnectionError,),
        _Diagnosis(
            False, "{host} refused the connection", "Check base_url, and that the server runs."
        ),
    )


def _is_broken(causes: list[BaseException]) -> bool:
    """Return whether a connection broke, and had thus been made.

    Where there is a proxy, urllib3 takes that for a proxy which cannot be connected to.
    """
    never_made = _any_is(causes, (urllib3.exceptions.NewConnectionError,))
    return _any_is(causes, (ConnectionError,)) and not never_made


def _any_is(causes: list[BaseException], kinds: _Kinds) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: object) -> Iterator[BaseException]:
    """Yield an exception and its causes: requests and urllib3 wrap exceptions in several ways."""
    for _ in range(_MAX_CAUSES):
        if not isinstance(error, BaseException):
            return
        yield error
        if error.args:
            first_argument = error.args[0]
        else:
            first_argument = None
        reason = getattr(error, "reason", None) or getattr(error, "original_error", None)
        error = reason or first_argument or error.__cause__ or error.__context__


def _drop_frames(cause: BaseException) -> None:
    """Remove the lines of requests and urllib3 from what a traceback shows.

    They say nothing to a caller, there are a hundred of them, and they hold the token as it goes
    over the wire.
    """
    found: list[BaseException] = [cause]
    for error in found:
        error.__traceback__ = None
        error.__suppress_context__ = True
        linked = (error.__cause__, error.__context__, *error.args, getattr(error, "reason", None))
        found += [one for one in linked if isinstance(one, BaseException) and one not in found]


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or excerpt(url)
    except ValueError:
        return excerpt(url)
