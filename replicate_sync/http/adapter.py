"""Connections that report how far a request got, and limit how long each part of it may take.

The timeout of a socket starts again with each byte, so a server that sends its headers byte by
byte could hold a caller for hours. The head is therefore read here, as a whole and against the
clock, and given to `http.client` in one piece. Interim responses (102, 103) are dropped, which
`http.client` takes for the response itself.

A socket's timeout is the longest time for all that is sent in one call, and urllib3 sends under the
timeout for connecting. A long body is therefore sent in pieces, each within the silence that is
allowed. On a slow line, the operating system would take megabytes of it at once and then be silent
while it sends them; it is asked to take little.

Everything else is requests' and urllib3's own. Where a tool has replaced urllib3's connection class
(vcrpy does), the replacement is used.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPMessage, HTTPResponse, RemoteDisconnected
from io import BufferedReader, BytesIO
from math import inf
from queue import SimpleQueue
from time import monotonic
from typing import Any, Literal

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager

# Not from urllib3.connection: this module may be imported while a tool has replaced those.
from urllib3.connectionpool import (  # type: ignore[attr-defined]
    HTTPConnection,
    HTTPSConnection,
)

from .addresses import connect_to_public

_GRACE = 1.0  # seconds beyond the timeout in which a head that came late must be complete
_MAX_HEAD = 2**20  # bytes; http.client allows 100 headers of 64 kB, which no API sends
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_PROTOCOL = b"HTTP/"
_INTERIM = re.compile(rb"\S+\s+1(?!01)\d\d\s")
# The status, reason and headers of a response with a body, each header in a line of its own; no
# more of them, and none longer, than http.client allows.
_USUAL_HEAD = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9]{2}) ([^\r\n]{0,999})\r\n"
    rb"((?:[!-9;-~]+:[^\r\n]{0,9999}\r\n){1,99})\r\n"
)
_LENGTH = re.compile("[0-9]{1,18}")
_PIECE_SIZE = 65536  # bytes that are sent at a time, at most
_SLOWEST_LINE = 8192  # bytes per second, at which a piece must be sent within the timeout
_SHORT = 8192  # bytes, which the operating system takes at once where nothing else is to be sent
_MAX_UNSENT = 131072  # bytes that the operating system keeps to be sent
_MAX_IDLE = 10  # connections to one host that a thread keeps for its next requests
_MIN_TIMEOUT = 0.001  # seconds; 0 would mean a socket that never waits

Progress = Literal["unknown", "nothing", "some", "all"]
"""How much of a request has left this machine."""


class Delivery:
    """How far one attempt of a request got: facts, from which nothing is concluded here."""

    #: How much of the request has left this machine; "unknown" where a tool or a session of the
    #: caller's own has sent it, or no connection has been chosen yet.
    sent: Progress = "unknown"
    #: When what was to be sent so far had left, by `time.monotonic`; None before that.
    left_at: float | None = None
    #: The status of the response, 0 before its head has arrived.
    status: int = 0
    #: The first piece of the body of the response, which may have been cut or interrupted.
    beginning: bytes = b""
    #: The longest silence while it is sent, and until its response begins, in seconds.
    timeout: float = inf
    #: Whether the head of the request waits for a short body: one packet, and one wake-up.
    holds_head: bool = False
    #: The head that waits.
    head: bytes = b""
    #: What it was sent on.
    socket: socket.socket | None = None
    #: When all of it must be over, by `time.monotonic`.
    end: float = inf
    #: Called before each attempt; what it raises ends the request, of which nothing was sent.
    before_attempt: Callable[[], None] | None = None

    def begin_attempt(self) -> None:
        """Forget the attempt before, and say to who waits for it that another begins."""
        self.sent = "unknown"
        self.left_at = None
        self.status = 0
        self.beginning = b""
        if self.before_attempt is not None:
            self.before_attempt()

    @property
    def silence(self) -> float:
        """The longest silence that is allowed from now on, in seconds."""
        return max(_MIN_TIMEOUT, min(self.timeout, self.end - monotonic()))


class _Thread(threading.local):
    """What the current thread sends, which requests and urllib3 cannot be told."""

    delivery: Delivery = Delivery()


thread: _Thread = _Thread()


class BoundedResponse(HTTPResponse):
    """A response whose head must arrive within the timeout and one second."""

    # What http.client keeps of a head, and has no type for everywhere.
    fp: Any
    debuglevel: int
    code: int
    status: int
    reason: str
    version: int
    headers: HTTPMessage
    msg: HTTPMessage
    length: int | None
    chunked: bool
    chunk_left: int | None
    will_close: bool
    _method: str

    def begin(self) -> None:
        """Read the head, and take over what it says.

        http.client parses each head as if it were an e-mail, which takes longer than all else with
        a response. It gets those that do not have the usual form.
        """
        delivery = thread.delivery
        if delivery.left_at is not None:
            delivery.sent = "all"
        end = min(monotonic() + delivery.timeout + _GRACE, delivery.end)
        if delivery.end < inf and delivery.socket is not None:
            delivery.socket.settimeout(delivery.silence)  # sending has taken some of the time
        head = _read_head(self.fp, end)
        usual = _USUAL_HEAD.fullmatch(head)
        if usual is None or self._method == "HEAD" or self.debuglevel:
            self._begin_by_http_client(head)
            return
        fields: dict[str, str] = {}
        message = HTTPMessage()
        for line in usual[3].decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            value = value.lstrip(" \t")
            message.set_raw(name, value)
            fields.setdefault(name.lower(), value)
        length = fields.get("content-length", "")
        is_chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        if is_chunked:
            self.length = None
        elif _LENGTH.fullmatch(length):
            self.length = int(length)
        else:
            self._begin_by_http_client(head)
            return
        self.code = self.status = int(usual[1])
        self.reason = usual[2].decode("latin-1").strip()
        self.version = 11
        self.headers = self.msg = message
        self.chunked = is_chunked
        self.chunk_left = None
        self.will_close = "close" in fields.get("connection", "").lower()

    def _begin_by_http_client(self, head: bytes) -> None:
        connection = self.fp
        file: Any = BytesIO(head)
        self.fp = file
        try:
            super().begin()
        finally:
            if self.fp is None:  # http.client has closed what it was given
                connection.close()
            else:
                self.fp = connection


def _read_head(connection: BufferedReader, end: float) -> bytes:
    """Return the head of the response, and take no byte behind it."""
    head = b""
    while True:
        if monotonic() > end:
            raise TimeoutError("the head of the response came too slowly")
        arrived = connection.peek(1)
        if not arrived:
            # http.client would take the end of the connection for the end of the head.
            raise RemoteDisconnected("the connection was closed within the head")
        known = len(head)
        head += arrived
        empty_line = _EMPTY_LINE.search(head, max(0, known - 2))
        if empty_line is not None:
            head = head[: empty_line.end()]
        connection.read(len(head) - known)  # nothing behind the empty line
        if len(head) > _MAX_HEAD:
            raise RemoteDisconnected("the head of the response is too long")
        if head[: len(_PROTOCOL)] != _PROTOCOL[: len(head)]:
            return head  # it is not HTTP, as http.client will say
        if empty_line is not None:
            if not _INTERIM.match(head):
                return head
            head = b""  # another one comes behind it


class _Reporting:
    """What a connection adds: it reports to the delivery of its thread, and sends in pieces."""

    sock: socket.socket | None
    response_class = BoundedResponse
    _is_connecting = False

    def connect(self) -> None:
        """Connect, which sends nothing of the request: what a proxy is told is none of it."""
        thread.delivery.sent = "nothing"
        self._is_connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._is_connecting = False
        if self.sock is not None:
            _keep_little_unsent(self.sock)

    def send(self, data: Any) -> None:
        """Send a part of the request."""
        if self._is_connecting:
            super().send(data)  # type: ignore[misc]
            return
        delivery = thread.delivery
        if delivery.holds_head:
            delivery.holds_head = False
            delivery.head = data
            return
        if delivery.head:
            data = delivery.head + data
            delivery.head = b""
        if self.sock is None:
            self.connect()
        # Nothing is under way on the connection: the system takes what is short at once.
        never_waits = delivery.sent != "some" and isinstance(data, bytes) and len(data) < _SHORT
        delivery.sent = "some"
        delivery.left_at = None
        delivery.socket = self.sock
        size = max(1, int(min(_PIECE_SIZE, _SLOWEST_LINE * delivery.timeout)))
        if not isinstance(data, bytes) or len(data) <= size:
            pieces: list[Any] = [data]
        else:
            view = memoryview(data)
            pieces = [view[at : at + size] for at in range(0, len(view), size)]
        for piece in pieces:
            silence = delivery.timeout
            if delivery.end < inf:
                silence = delivery.silence
                if monotonic() > delivery.end:
                    raise TimeoutError("the request could not be sent in time")
            if self.sock is not None and not never_waits and silence != inf:
                self.sock.settimeout(silence)
            super().send(piece)  # type: ignore[misc]
        delivery.left_at = monotonic()


def _keep_little_unsent(connected: socket.socket) -> None:
    """Have sending go on as the line does. Where the system has no such option, nothing is done."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with suppress(OSError, AttributeError):  # urllib3's TLS within TLS is no socket
            connected.setsockopt(socket.IPPROTO_TCP, option, _MAX_UNSENT)


class _Connection(_Reporting, HTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_Reporting, HTTPSConnection):  # type: ignore[misc]
    pass


class _Idle(SimpleQueue[Any]):
    """The connections of a pool that are idle. Each thread has its own, and needs no locks."""

    def __new__(cls, maxsize: int) -> _Idle:
        return super().__new__(cls)

    def __init__(self, maxsize: int) -> None:
        super().__init__()  # one that is written in Python (PyPy's, eventlet's) takes no size


class _Pool(HTTPConnectionPool):
    own_connection: type = _Connection
    QueueCls = _Idle  # type: ignore[assignment]  # typeshed wants a LifoQueue

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # urllib3's name
        current = HTTPConnectionPool.ConnectionCls
        if current is HTTPConnection:
            return self.own_connection
        return current


class _SecurePool(HTTPSConnectionPool):
    own_connection: type = _SecureConnection
    QueueCls = _Idle  # type: ignore[assignment]  # typeshed wants a LifoQueue

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        current = HTTPSConnectionPool.ConnectionCls
        if current is HTTPSConnection:
            return self.own_connection
        return current


class _PublicConnection(_Connection):
    def _new_conn(self) -> socket.socket:
        connected: socket.socket = connect_to_public(self, super()._new_conn)
        return connected


class _PublicSecureConnection(_SecureConnection):
    def _new_conn(self) -> socket.socket:
        connected: socket.socket = connect_to_public(self, super()._new_conn)
        return connected


class _PublicPool(_Pool):
    own_connection = _PublicConnection


class _PublicSecurePool(_SecurePool):
    own_connection = _PublicSecureConnection


_POOL_CLASSES = {"http": _Pool, "https": _SecurePool}
_PUBLIC_POOL_CLASSES = {"http": _PublicPool, "https": _PublicSecurePool}


class BoundedHeadAdapter(HTTPAdapter):
    """requests' adapter, on connections that limit how long the head of a response may take."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOL_CLASSES
        self._latest_place: tuple[object, ...] = ()
        self._latest_pool: Any = None

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool for a request, which is most often that of the request before.

        Versions of requests before 2.32.2 do not ask for it here.
        """
        place = ((request.url or "").split("/", 3)[:3], verify, proxies, cert)
        pool = self._latest_pool
        if pool is None or pool.pool is None or place != self._latest_place:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._latest_place = place
            self._latest_pool = pool
        while pool.pool.qsize() > _MAX_IDLE:  # many streams were open at a time
            idle = pool.pool.get()
            if idle is not None:
                idle.close()
        return pool

    def close(self) -> None:
        """Close the connections that are idle."""
        self._latest_pool = None
        super().close()

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        """Return the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        if type(manager) is ProxyManager:  # one for SOCKS has connections of its own
            manager.pool_classes_by_scheme = _POOL_CLASSES
        return manager


class PublicAdapter(BoundedHeadAdapter):
    """An adapter that connects to public addresses only. Behind a proxy, the proxy connects."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _PUBLIC_POOL_CLASSES
