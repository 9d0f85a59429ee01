"""Who may send a request: its host, the origin of the web page that sends it, and its token.

A server on a loopback address is open to every program of this machine, and so to the browser,
which sends what any web page tells it to. Two checks keep pages out: `Host` must be a name of this
machine, as a page's own name may be made to lead here (DNS rebinding), and `Origin` must be the
server's own. On any other address the token is needed for everything.
"""

from __future__ import annotations

import functools
import hmac
import re
import urllib.parse
from collections.abc import Collection
from typing import NamedTuple

from ..hosts import loopback
from .problems import APIError

SESSION_COOKIE = "local_replicate"
"""The cookie by which pages are opened where the token is needed."""
# A stream, a download, an output and where a recorder takes webhooks have a secret in their URL.
_SECRET_URL = re.compile(r"/v1/(streams/.*|files/[^/]+/download)|/(outputs|relay|proxied)/.*")
_LOGIN = re.compile(r"/login|/static/.*")
_OPEN_ON_LOOPBACK = "/v1/search"
_HOMEPAGE_PATHS = ("/api/prediction", "/api/poll")
# A client of the homepage sends what the homepage's own page sent. A page of any other origin
# cannot: browsers ask before they send JSON to another origin, and are refused.
_HOMEPAGE_HOST = "homepage.replicate.com"
_HOMEPAGE_ORIGIN = "https://replicate.com"
_UNSAFE_SITES = ("cross-site", "same-site")


class Sender(NamedTuple):
    """What a request says of where it comes from.

    Attributes:
        method: The HTTP method.
        path: The path.
        host: The header `Host`, "" where there is none.
        origin: The header `Origin`, "" where there is none.
        site: The header `Sec-Fetch-Site`, "" where there is none.
        mode: The header `Sec-Fetch-Mode`, "" where there is none.
        media_type: The media type of the body, without parameters.
        authorization: The header `Authorization`, "" where there is none.
        session: The cookie of the login, "" where there is none.
    """

    method: str
    path: str
    host: str = ""
    origin: str = ""
    site: str = ""
    mode: str = ""
    media_type: str = ""
    authorization: str = ""
    session: str = ""


def check_access(
    sender: Sender,
    address: str,
    token: str,
    allowed_hosts: Collection[str] = (),
    is_recording: bool = False,
) -> None:
    """Raise APIError for a request that may not be sent.

    Args:
        sender: The request.
        address: The address that the server listens on.
        token: The token of the server.
        allowed_hosts: Further names that the server may be reached by.
        is_recording: Whether it is the API that is recorded which checks the token.
    """
    local = loopback(address)
    if not _is_homepage(sender):
        if local:
            _check_host(sender.host, allowed_hosts)
        _check_origin(sender)
    if is_recording and _is_api(sender.path):
        return
    if _needs_token(sender.path, local) and not _has_session(sender, token):
        _check_token(sender.authorization, token)


def session_value(token: str) -> str:
    """Return what the cookie of a login holds, from which the token cannot be found."""
    return hmac.digest(token.encode(), b"the pages of a local Replicate", "sha256").hex()


def _has_session(sender: Sender, token: str) -> bool:
    # The API itself is for the token alone.
    if _is_api(sender.path) or not sender.session:
        return False
    return hmac.compare_digest(sender.session.encode(), session_value(token).encode())


def _is_homepage(sender: Sender) -> bool:
    if sender.path not in _HOMEPAGE_PATHS or sender.origin != _HOMEPAGE_ORIGIN:
        return False
    name = _host_name(sender.host)
    if name != _HOMEPAGE_HOST and not loopback(name):
        return False
    return sender.method == "GET" or sender.media_type == "application/json"


def _check_host(host: str, allowed_hosts: Collection[str]) -> None:
    name = _host_name(host)
    if not host or loopback(name):
        return
    if name is not None and name in {allowed.lower() for allowed in allowed_hosts}:
        return
    detail = (
        f"This local server is not known as {host[:100]!r}. Send requests to 127.0.0.1 or "
        "localhost, or start it with this name in allowed_hosts."
    )
    raise APIError(403, detail, "Host not allowed")


def _check_origin(sender: Sender) -> None:
    if sender.origin:
        foreign = sender.origin.partition("://")[2].lower() != sender.host.lower()
    else:
        # A link may lead here; what a page loads into itself has another mode.
        followed = sender.method in ("GET", "HEAD") and sender.mode in ("", "navigate")
        foreign = sender.site in _UNSAFE_SITES and not followed
    if foreign and not _SECRET_URL.fullmatch(sender.path):
        detail = (
            "A web page of another origin may not send requests to this local server. "
            "Send them from the page's own server instead, as with Replicate's API."
        )
        raise APIError(403, detail, "Origin not allowed")


def _needs_token(path: str, local: bool) -> bool:
    if _SECRET_URL.fullmatch(path) or _LOGIN.fullmatch(path):
        return False
    if local:
        return path.startswith("/v1/") and path != _OPEN_ON_LOOPBACK
    return True


def _is_api(path: str) -> bool:
    return path.startswith(("/v1/", "/api/"))


def _check_token(authorization: str, token: str) -> None:
    if not authorization:
        detail = "You did not pass an authentication token"
        raise APIError(401, detail, "Unauthenticated")
    scheme, _, sent_token = authorization.partition(" ")
    same = hmac.compare_digest(sent_token.strip().encode(), token.encode())
    if scheme.lower() not in ("bearer", "token") or not same:
        detail = "You did not pass a valid authentication token"
        raise APIError(401, detail, "Unauthenticated")


@functools.lru_cache(maxsize=256)
def _host_name(host: str) -> str | None:
    """Return the name in a `Host` header, in lower case, without port and brackets."""
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname
    except ValueError:
        return None
