"""What it means that no complete response arrived: which error it is, and whether to retry.

Reads the exceptions of requests, and of what lies below it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, IncompleteRead, InvalidURL
from urllib.parse import urlsplit

import requests
import urllib3

from ..exceptions import ConnectionFailed, Interruption, ResponseError, excerpt
from .adapter import Progress
from .response_errors import is_cut_short
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
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_PERMANENT = (ssl.SSLCertVerificationError, ValueError, InvalidURL)
_LOST = (ConnectionError, IncompleteRead, BadStatusLine)


def is_retryable(error: BaseException) -> bool:
    """Return whether a request that may be repeated freely is worth another attempt."""
    if was_not_processed(error):
        return True
    if isinstance(error, ConnectionFailed):
        return error.maybe_sent and not isinstance(error.__cause__, SESSION_EXCEPTIONS)
    if not isinstance(error, ResponseError):
        return False
    return error.status_code in _RETRYABLE_STATUSES or is_cut_short(error.response)


def was_not_processed(error: BaseException) -> bool:
    """Return whether a request provably had no effect, for a reason that may pass."""
    if isinstance(error, ConnectionFailed):
        causes = list(_causes(error.__cause__))
        is_permanent = _any_is(causes, _PERMANENT) or any(map(_is_of_a_missing_file, causes))
        return not error.maybe_sent and not is_permanent
    return isinstance(error, ResponseError) and error.status_code == 429


def failure(
    cause: Exception,
    outer: BaseException | None,
    url: str,
    purpose: str,
    timeout: float,
    *,
    repeatable: bool,
    sent: Progress = "unknown",
    is_over: bool = False,
) -> BaseException:
    """Return what to raise in place of what requests raised: the interrupt behind it, or an error.

    Args:
        cause: What requests raised.
        outer: What was being handled before the request, which has nothing to do with it.
        url: As for `connection_failed`; likewise all other arguments.
        purpose: See there.
        timeout: See there.
        repeatable: See there.
        sent: See there.
        is_over: See there.
    """
    interrupt = _interrupt_behind(cause, outer)
    if interrupt is None:
        error = connection_failed(
            cause, url, purpose, timeout, repeatable=repeatable, sent=sent, is_over=is_over
        )
        error.__cause__ = cause
        return error
    Interruption().attach_to(interrupt)
    interrupt.__cause__ = None
    interrupt.__suppress_context__ = True
    # What is below is not the caller's, and may hold the token as it goes over the wire.
    return interrupt.with_traceback(None)


def _interrupt_behind(error: BaseException, outer: BaseException | None) -> BaseException | None:
    """Return the interrupt in whose place an exception was raised, or None.

    What is closed while an interrupt passes may be half open, and then raises errors of its own.

    Args:
        error: The exception.
        outer: What was being handled before the failed call began, which has nothing to do with it.
    """
    behind = error.__context__
    for _ in range(_MAX_CAUSES):
        if behind is None or behind is outer:
            return None
        if not isinstance(behind, Exception):
            return behind
        behind = behind.__context__
    return None


def connection_failed(
    cause: Exception,
    url: str,
    purpose: str,
    timeout: float,
    *,
    repeatable: bool,
    sent: Progress = "unknown",
    is_over: bool = False,
) -> ConnectionFailed:
    """Return the error for a request that was not responded to.

    Args:
        cause: What requests raised.
        url: The URL of the request.
        purpose: The request in words, such as "POST /predictions".
        timeout: The longest silence that was allowed, in seconds.
        repeatable: Whether the request may be sent again; else the hint does not say so.
        sent: How much of it has left this machine, where that is known.
        is_over: Whether the time for all of it was up, however silent the other side was.
    """
    request = getattr(cause, "request", None)
    if request is not None and request.headers:
        # Tracebacks and debuggers show the cause.
        request.headers.pop("Authorization", None)
    causes = list(_causes(cause))
    diagnosis = _diagnose(causes, timeout, sent)
    if is_over and diagnosis.maybe_sent and _any_is(causes, _TIMEOUTS):
        diagnosis = _TIME_IS_UP
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


class _Diagnosis:
    """What a failure means.

    Args:
        maybe_sent: Whether the request may have reached the server.
        what: What happened, with {host} in it.
        hint: What to do about it.
    """

    def __init__(self, maybe_sent: bool, what: str, hint: str) -> None:
        self.maybe_sent = maybe_sent
        self.what = what
        self.hint = hint


_TIME_IS_UP = _Diagnosis(
    True,
    "{host} had not responded completely when the time for it was up",
    "Try again, or allow more time.",
)


_NO_BUNDLE = _Diagnosis(
    False,
    "The request to {host} could not be made: the file with the trusted certificates is missing",
    "Check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
)


def _is_of_a_missing_file(cause: BaseException) -> bool:
    """Return whether requests has not found a file of certificates, for which it has no class."""
    return type(cause) is OSError and str(cause).startswith("Could not find a suitable TLS CA")


def _diagnose(causes: list[BaseException], timeout: float, sent: Progress) -> _Diagnosis:
    if sent == "unknown" and _is_of_a_missing_file(causes[0]):
        return _NO_BUNDLE
    if sent in ("some", "all"):
        return _diagnose_sent(causes, timeout)
    if isinstance(causes[0], SESSION_EXCEPTIONS):
        return _Diagnosis(
            True,
            f"The session raised {type(causes[0]).__name__} for the request to {{host}}",
            "Check session=, its hooks and its adapters.",
        )
    for kinds, diagnosis in _never_sent(timeout):
        is_in_doubt = sent == "unknown" and requests.exceptions.ProxyError in kinds
        if _any_is(causes, kinds) and not (is_in_doubt and _had_proxy(causes)):
            return diagnosis
    if isinstance(causes[0], ValueError) or _any_is(causes, (InvalidURL,)):
        name = type(causes[0]).__name__
        return _Diagnosis(
            False,
            f"The request to {{host}} could not be made ({name})",
            "Check base_url, proxy and headers.",
        )
    return _diagnose_sent(causes, timeout, maybe_sent=sent != "nothing")


def _diagnose_sent(
    causes: list[BaseException], timeout: float, *, maybe_sent: bool = True
) -> _Diagnosis:
    """Return what happened to a request after its connection was made."""
    if _any_is(causes, (ssl.SSLError, requests.exceptions.SSLError)):
        return _Diagnosis(
            maybe_sent,
            "The TLS connection to {host} failed",
            "Check that base_url is https, and any proxy between.",
        )
    if _any_is(causes, _TIMEOUTS):
        return _Diagnosis(
            maybe_sent,
            f"{{host}} was silent for {timeout:g} s",
            "Try again, or allow more with timeout=.",
        )
    if isinstance(causes[0], ValueError | HTTPException) and not _any_is(causes, _LOST):
        return _Diagnosis(
            maybe_sent,
            f"{{host}} sent a response that is not HTTP ({type(causes[0]).__name__})",
            "Check base_url, and any proxy between.",
        )
    return _Diagnosis(
        maybe_sent,
        "The connection to {host} was lost before the response was complete",
        "Try again.",
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


def _had_proxy(causes: list[BaseException]) -> bool:
    """Return whether a proxy may have been connected to.

    urllib3 says of any break on the way that the proxy cannot be connected to.
    """
    never_made = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        requests.exceptions.InvalidProxyURL,
    )
    return not _any_is(causes, never_made)


def _any_is(causes: list[BaseException], kinds: _Kinds) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: object) -> Iterator[BaseException]:
    """Yield an exception and its causes: requests and urllib3 wrap exceptions in several ways."""
    for _ in range(_MAX_CAUSES):
        if not isinstance(error, BaseException):
            return
        yield error
        inner = next((part for part in error.args if isinstance(part, BaseException)), None)
        reason = getattr(error, "reason", None)
        error = reason or inner or error.__cause__ or error.__context__


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
