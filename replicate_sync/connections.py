"""Connections that bound how long the head of an answer may take, however slowly it drips.

A socket's timeout begins anew with each byte, so a server that sends its headers one by one could hold a caller for hours.
"""

from __future__ import annotations

from http.client import HTTPResponse, RemoteDisconnected
from math import inf
from socket import socket
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_GRACE = 1.0  # seconds beyond the silence that is allowed, in which a head that came late must be whole


class _Head:
    """Reads the lines of a head, all of them before a moment."""

    def __init__(self, file: Any, until: float) -> None:
        self._file = file
        self._until = until

    def readline(self, limit: int) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            if monotonic() > self._until:
                raise TimeoutError("the head of the answer came too slowly")
            arrived = self._file.peek(1)
            if not arrived:
                # http.client would take the end of the connection for the end of the head, and give an empty answer.
                raise RemoteDisconnected("the connection was closed within the head of the answer")
            line += self._file.read(min(arrived.find(b"\n") + 1 or len(arrived), limit - len(line)))
        return line

    def close(self) -> None:
        self._file.close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._silence = sock.gettimeout()

    def begin(self) -> None:
        file: Any = self.fp
        self.fp: Any = _Head(file, inf if self._silence is None else monotonic() + self._silence + _GRACE)
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = file


class _HTTP(HTTPConnection):
    response_class = _Response


class _HTTPS(HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPS


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class PacedAdapter(HTTPAdapter):
    """requests' adapter, on connections that bound the head of an answer."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        """Make the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
