"""Connections that limit how long the head of a response may take, however slowly it arrives.

The timeout of a socket starts again with each byte, so a server that sends its headers byte by
byte could hold a caller for hours. The head is therefore read here, as a whole and against the
clock, and given to `http.client` in one piece.

Everything else is requests' and urllib3's own. Where a tool has replaced urllib3's connection class
(vcrpy does), the replacement is used.
"""

from __future__ import annotations

import re
from http.client import HTTPResponse, RemoteDisconnected
from io import BytesIO
from math import inf
from socket import socket
from time import monotonic
from typing import Any

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
_CONTINUE = re.compile(rb"\S+\s+100\s")


class _Response(HTTPResponse):
    """A response whose head must arrive within the socket's timeout and one second."""

    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        timeout = sock.gettimeout()
        if timeout is None:
            self._seconds = inf
        else:
            self._seconds = timeout + _GRACE

    def begin(self) -> None:
        """Read the head, then let http.client parse it."""
        connection: Any = self.fp
        end = monotonic() + self._seconds
        head = b""
        start = 0  # of the current head: a "100 Continue" comes before another one
        while True:
            if monotonic() > end:
                raise TimeoutError("the head of the response came too slowly")
            arrived = connection.peek(1)
            if not arrived:
                # http.client would take the end of the connection for the end of the head.
                raise RemoteDisconnected("the connection was closed within the head")
            known = len(head)
            head += arrived
            empty_line = _EMPTY_LINE.search(head, max(start, known - 2))
            if empty_line is not None:
                head = head[: empty_line.end()]
            connection.read(len(head) - known)  # nothing behind the empty line
            if len(head) > _MAX_HEAD:
                raise RemoteDisconnected("the head of the response is too long")
            if head[start : start + len(_PROTOCOL)] != _PROTOCOL[: len(head) - start]:
                break  # it is not HTTP, as http.client will say
            if empty_line is not None:
                if not _CONTINUE.match(head, start):
                    break
                start = len(head)
        file: Any = BytesIO(head)
        self.fp: Any = file
        try:
            super().begin()
        finally:
            if self.fp is None:  # http.client has closed what it was given
                connection.close()
            else:
                self.fp = connection


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    own_connection: type = _Connection

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # urllib3's name
        current = HTTPConnectionPool.ConnectionCls
        if current is HTTPConnection:
            return self.own_connection
        return current


class _SecurePool(HTTPSConnectionPool):
    own_connection: type = _SecureConnection

    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        current = HTTPSConnectionPool.ConnectionCls
        if current is HTTPSConnection:
            return self.own_connection
        return current


class _PublicConnection(_Connection):
    def _new_conn(self) -> socket:
        connected: socket = connect_to_public(self, super()._new_conn)
        return connected


class _PublicSecureConnection(_SecureConnection):
    def _new_conn(self) -> socket:
        connected: socket = connect_to_public(self, super()._new_conn)
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
