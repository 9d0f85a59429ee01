"""What it means that no whole answer came: which error it is, whether anything may have been done, and whether to ask again.

Reads the exceptions of requests and of what lies below it; `transport` is where they are caught.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPException, InvalidURL
from urllib.parse import urlsplit

import requests
import urllib3

from .errors import ConnectionFailed, ResponseError, quoted

#: What a request may raise that is a fault of the network, of the other side, or of a URL.
KNOWN = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)

_CONNECT = 10.0  # seconds: the longest that connecting may take
_PASSING = frozenset({429, 500, 502, 503, 504})


def passing(error: BaseException) -> bool:
    """Whether a request that may be repeated freely is worth it."""
    return did_nothing(error) or _sent(error) or _status(error) in _PASSING


def did_nothing(error: BaseException) -> bool:
    """Whether a request that must not be done twice provably was not done, for a passing reason."""
    if isinstance(error, ConnectionFailed):
        return not error.maybe_sent and not isinstance(
            error.__cause__, ssl.SSLError | ValueError | requests.exceptions.SSLError
        )
    return _status(error) == 429


def diagnosed(fault: Exception, url: str, doing: str, silence: float, *, repeatable: bool) -> ConnectionFailed:
    """Give the error for a fault: what happened, what to do, and whether the request may have been sent.

    `silence`: the seconds that were allowed. What is not `repeatable` is not said to be worth another try.
    """
    request = getattr(fault, "request", None)
    if request is not None and request.headers:
        request.headers.pop("Authorization", None)  # the cause is shown in tracebacks and by debuggers
    sent, happened, remedy = _diagnosis(list(_chain(fault)), silence)
    if sent and not repeatable:
        remedy = ""
    error = ConnectionFailed(f"{happened.format(host=_host(url))} (during {doing}).{remedy and ' '}{remedy}")
    error.maybe_sent = sent
    return error


def _diagnosis(chain: list[BaseException], silence: float) -> tuple[bool, str, str]:
    """Whether the request may have been sent; what happened; what to do."""
    known, below = requests.exceptions, urllib3.exceptions

    def seen(*kinds: type[BaseException]) -> bool:
        return any(isinstance(fault, kinds) for fault in chain)

    if seen(known.ProxyError, known.InvalidProxyURL):
        return False, "The proxy on the way to {host} cannot be used", "Check proxy=, HTTPS_PROXY and NO_PROXY."
    if seen(ssl.SSLCertVerificationError):
        happened = "{host} has no certificate that is trusted here"
        return False, happened, "Check base_url, the clock, and REQUESTS_CA_BUNDLE."
    if seen(below.NameResolutionError):
        return False, "{host} cannot be found", "Check the network connection and base_url."
    if seen(known.ConnectTimeout):
        return False, f"{{host}} accepted no connection within {min(_CONNECT, silence):g} s", "Check the network connection."
    if seen(below.NewConnectionError):
        return False, "{host} refused the connection", "Check base_url, and that the server runs."
    if seen(ssl.SSLError, known.SSLError):
        return True, "The TLS connection to {host} failed", "Check that base_url is https, and any proxy between."
    if isinstance(chain[0], ValueError) or seen(InvalidURL):
        happened = f"The request to {{host}} could not be made ({type(chain[0]).__name__})"
        return False, happened, "Check base_url, proxy and headers."
    if seen(known.Timeout, below.TimeoutError, TimeoutError):
        return True, f"{{host}} was silent for {silence:g} s", "Try again, or allow more with timeout=."
    return True, "The connection to {host} was lost before the answer was whole", "Try again."


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    """Yield a fault, and those that it was made of: requests and urllib3 wrap them in several ways."""
    seen = 0
    while isinstance(fault, BaseException) and seen < 10:
        yield fault
        first = fault.args[0] if fault.args else None
        fault, seen = getattr(fault, "reason", None) or first or fault.__cause__ or fault.__context__, seen + 1


def _sent(error: BaseException) -> bool:
    return isinstance(error, ConnectionFailed) and error.maybe_sent


def _status(error: BaseException) -> int | None:
    return error.status_code if isinstance(error, ResponseError) else None


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or quoted(url)
    except ValueError:
        return quoted(url)
