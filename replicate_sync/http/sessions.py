"""One requests session for each thread: how every request of this package is sent.

requests does not promise that a session may be shared by threads, and a fork must not share
sockets. The sessions hold connections, and neither token nor cookies, so all clients of a thread
share them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from copy import copy
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from time import monotonic
from typing import Any, NamedTuple, cast
from urllib.request import getproxies, getproxies_environment

import requests
from requests.auth import AuthBase
from requests.utils import select_proxy
from urllib3 import HTTPResponse

from .._version import __version__
from ..exceptions import InvalidInputError
from .adapter import BoundedHeadAdapter, Delivery, PublicAdapter, thread
from .addresses import AddressRefused, refuse_private_peer
from .config import validate_proxy
from .prepared import BearerAuth, Body, NoAuth, prepare

USER_AGENT = f"replicate-sync/{__version__}"
PIECE_SIZE = 65536  # bytes that are read of a body at a time
# Bytes, of one that is long. Of 128 kB or more, the C library leaves holes in the memory, which
# grow by up to 5 MB in a long download.
LONG_PIECE_SIZE = 120 * 1024
MAX_REDIRECTS = 5
CONNECT_TIMEOUT = 10.0  # seconds

# What requests reads of the environment for a URL, but for credentials. Each variable that is not
# there takes as long as several that are.
_VARIABLES = {
    "http:": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
    "https:": (
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ),
}
_VARIABLES_WITH_PROXY = ("no_proxy", "NO_PROXY", "REQUEST_METHOD")
_MAX_SETTINGS = 100  # hosts whose settings a thread keeps
_MAX_TIMEOUT = 1e6  # seconds; more than any socket can wait
_SHORT_BODY = 16384  # bytes; the head of a request waits for such a one
_NOTHING = (None, requests.PreparedRequest())


class Sessions:
    """Sends requests on the session of the calling thread, or on the caller's own session.

    Args:
        proxy: The URL of a proxy; "" for none at all, None for the environment's.
        timeout: The longest silence on a request, in seconds.
        session: A session to use in every thread, instead of one for each.

    Raises:
        InvalidInputError: An argument is wrong.
    """

    def __init__(
        self, *, proxy: str | None, timeout: float, session: requests.Session | None
    ) -> None:
        is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if not is_number or not 0 < timeout <= _MAX_TIMEOUT:
            raise InvalidInputError(
                f"timeout must be a number of seconds above 0, up to {_MAX_TIMEOUT:g}, "
                f"not {timeout!r}."
            )
        if session is not None and not callable(getattr(session, "request", None)):
            raise InvalidInputError(f"session must be a requests.Session, not {session!r}.")
        self.timeout: float = float(timeout)
        self._proxy = proxy
        self._proxies: dict[str, str] = {}
        if proxy is not None:
            url = validate_proxy(proxy)
            self._proxies = {"http": url, "https": url}
        self._ignores_environment = proxy == ""
        self._own_session = session

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        delivery: Delivery,
        auth: NoAuth | BearerAuth,
        data: Body | None = None,
        params: Mapping[str, str] | None = None,
        public_only: bool = False,
    ) -> requests.Response:
        """Return the response to one request, its body not yet read; redirects are not followed.

        Args:
            method: The HTTP method.
            url: The whole URL.
            headers: The headers.
            delivery: How long it may take, and where to note how far it got.
            auth: Sets the credentials.
            data: The body.
            params: The query.
            public_only: Whether the request may go to public addresses only.

        Raises:
            AddressRefused: The address is not public.
            Exception: What requests and urllib3 raise; see `connection_errors`.
        """
        if data is not None and not isinstance(data, bytes):
            data.seek(0)
        outer = thread.delivery  # a signal may have come in the midst of another request
        thread.delivery = delivery
        delivery.holds_head = isinstance(data, bytes) and 0 < len(data) < _SHORT_BODY
        delivery.head = b""
        timeouts = (min(CONNECT_TIMEOUT, delivery.timeout), delivery.timeout)
        try:
            if self._own_session is not None:
                response = self._send_on_own(method, url, headers, auth, data, params, timeouts)
                if public_only:
                    self._refuse_private_peer(response, url)
            else:
                session_key = _Key(os.getpid(), self._ignores_environment, public_only)
                session = _own.sessions.get(session_key) or _open_session(session_key)
                parts = (url, params, headers, bool(data))
                known, latest = _NOTHING
                if isinstance(auth, BearerAuth):
                    known, latest = auth.latest.get(method, _NOTHING)
                if known == parts and isinstance(data, bytes | None):
                    # Most requests differ from the one before in the body only. To prepare a URL,
                    # headers and an empty cookie jar takes longer than to send them.
                    request = copy(latest)
                    request.hooks = {"response": []}
                    request.headers = latest.headers.copy()  # to which tools add their own
                    if data:
                        request.body = data
                        request.headers["Content-Length"] = str(len(data))
                else:
                    request = prepare(session.headers, method, parts, data, auth)
                scheme, _, host = url.split("/", 3)[:3]
                variables = tuple(map(os.environ.get, _VARIABLES.get(scheme.lower(), ())))
                if any(variables):
                    variables += tuple(map(os.environ.get, _VARIABLES_WITH_PROXY))
                place = _Place(scheme, host, self._proxy, variables)
                settings = _own.settings.get(place) or _find_settings(
                    place, session, url, self._proxies
                )
                response = session.send(
                    request, timeout=timeouts, allow_redirects=False, **settings
                )
        finally:
            # A socket that is dropped unclosed says so in Python code as it is destroyed, in which
            # a Ctrl-C would be lost. It must not live until a garbage collection in a later call.
            delivery.socket = None
            thread.delivery = outer
        if not isinstance(response.raw, HTTPResponse) or response.raw.closed:
            return _unread(response)
        return response

    def _send_on_own(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        auth: AuthBase,
        data: Body | None,
        params: Mapping[str, str] | None,
        timeouts: tuple[float, float],
    ) -> requests.Response:
        """Return the response to one request on the session of the caller's."""
        session = cast(requests.Session, self._own_session)
        return session.request(
            method,
            url,
            data=data,
            params=params,
            headers=headers,
            auth=auth,
            proxies=self._proxies,
            timeout=timeouts,
            allow_redirects=False,
            stream=True,
        )

    def close(self) -> None:
        """Close the connections of this thread."""
        for public_only in (False, True):
            key = _Key(os.getpid(), self._ignores_environment, public_only)
            session = _own.sessions.pop(key, None)
            if session is not None:
                session.close()

    def _refuse_private_peer(self, response: requests.Response, url: str) -> None:
        """Refuse what a session of the caller's connected to, unless that is a proxy.

        Raises:
            AddressRefused: It is no public address.
        """
        session = cast(requests.Session, self._own_session)
        try:
            settings = session.merge_environment_settings(
                url, dict(self._proxies), None, None, None
            )
            proxy = select_proxy(url, settings["proxies"])
        except (AttributeError, KeyError, TypeError):  # it only looks like a session
            return
        if proxy:
            return
        try:
            refuse_private_peer(getattr(response.raw, "connection", None), url)
        except AddressRefused:
            response.close()
            raise


class _Key(NamedTuple):
    """What requests must have in common to be sent on the same connections."""

    process: int
    ignores_environment: bool
    public_only: bool


class _Place(NamedTuple):
    """What decides with which settings a request is sent."""

    scheme: str
    host: str
    proxy: str | None
    variables: tuple[str | None, ...]


class _Thread(threading.local):
    """The sessions of the current thread, and with which settings they send."""

    def __init__(self) -> None:
        self.sessions: dict[_Key, requests.Session] = {}
        self.settings: dict[_Place, dict[str, Any]] = {}


_own = _Thread()
# Sessions of a parent process. Nothing of them is used or closed: another thread may have held one
# of their locks when the process was forked.
_inherited: list[dict[_Key, requests.Session]] = []


def _leave_to_parent() -> None:
    _inherited.append(_own.sessions)
    _own.sessions = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _open_session(key: _Key) -> requests.Session:
    session = requests.Session()
    session.trust_env = not key.ignores_environment
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.pop("Connection", None)  # HTTP/1.1 keeps it open without
    adapter = BoundedHeadAdapter
    if key.public_only:
        adapter = PublicAdapter
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter(pool_maxsize=1))
    _own.sessions[key] = session
    return session


def _find_settings(
    place: _Place, session: requests.Session, url: str, proxies: dict[str, str]
) -> dict[str, Any]:
    """Return the proxies and the CA bundle for a URL, as arguments of `session.send`.

    requests goes through the whole environment to find them, which takes as long as all else that
    it does with a request. They are therefore kept.
    """
    settings = dict(session.merge_environment_settings(url, dict(proxies), True, None, None))
    if len(_own.settings) >= _MAX_SETTINGS:
        _own.settings.clear()
    if getproxies is getproxies_environment:  # else the settings of the system count as well
        _own.settings[place] = settings
    return settings


def _unread(response: requests.Response) -> requests.Response:
    """Return a copy of a response whose body can be read.

    That of the response cannot, because a hook of the session has read it, or because an adapter,
    or a tool for tests, has made the response without a connection.
    """
    try:
        body = response.content
    except RuntimeError as error:
        raise requests.exceptions.StreamConsumedError(str(error)) from error
    copy = requests.Response()
    copy.status_code = int(response.status_code)
    copy.headers.update(response.headers)
    copy.raw = HTTPResponse(BytesIO(body), preload_content=False)
    return copy


class _FinishedResponse(HTTPResponse):
    """A response that has been read and closed.

    Python asks an object with a file's methods whether it is closed when it is destroyed, and drops
    every exception meanwhile. Were that asked of a property, a Ctrl-C could be lost in it.
    """

    closed = True


def finish(response: requests.Response) -> None:
    """Let the destruction of a response that was closed run no Python code."""
    raw = response.raw
    if type(raw) is HTTPResponse:
        if raw._original_response is not None:
            raw._original_response.close()
        raw.__class__ = _FinishedResponse


class BodyTooLong(Exception):
    """A body is longer than was allowed."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__()
        self.beginning = beginning


def read_body(
    response: requests.Response, end: float, max_size: int, delivery: Delivery | None = None
) -> bytes:
    """Return the body of a response.

    Args:
        response: A response whose body has not been read.
        end: When it must have arrived, by `time.monotonic`.
        max_size: How many bytes it may have once it is decoded.
        delivery: Where to note how it begins, in case that it breaks.

    Raises:
        BodyTooLong: It has more bytes than that.
        TimeoutError: It takes longer than that.
    """
    raw = response.raw
    is_compressed = "Content-Encoding" in response.headers
    # A long body is read in longer pieces. Not a compressed one: older versions of urllib3 copy all
    # that is left of it each time.
    long_piece = PIECE_SIZE if is_compressed else LONG_PIECE_SIZE
    piece = raw.read1(PIECE_SIZE, decode_content=True)
    beginning = piece
    if delivery is not None:
        delivery.beginning = piece
    body = BytesIO(piece)  # which copies nothing until more is written
    size = body.seek(len(piece))
    while piece:
        if size > max_size:
            raise BodyTooLong(beginning)
        if raw.length_remaining == 0 and raw.connection is None and not is_compressed:
            break  # it has all arrived, and the connection is free again
        remaining = end - monotonic()
        if remaining <= 0:
            raise TimeoutError("the response took too long")
        if raw.connection is not None and raw.connection.sock is not None:  # there is more to come
            raw.connection.sock.settimeout(remaining)
        piece = raw.read1(PIECE_SIZE if size < PIECE_SIZE else long_piece, decode_content=True)
        body.write(piece)
        size += len(piece)
    if type(raw) is HTTPResponse and raw._original_response is not None:
        raw._original_response.close()
        raw.__class__ = _FinishedResponse
    return body.getvalue()
