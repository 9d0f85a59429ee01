"""The socket that a server listens on, its thread, and its connections."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .testing.middleware import Reset

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_BACKLOG = 256


class Listener(ThreadedWSGIServer):
    """One opening of the port: its socket, its thread, and its connections."""

    timeout = 0.1  # seconds to wait for a connection that was announced, and may be gone

    def __init__(self, host: str, bound: socket.socket, application: Any) -> None:
        # Given a socket that listens already: werkzeug ends the program where it cannot open one itself.
        super().__init__(host, bound.getsockname()[1], application, _Handler, fd=bound.fileno())
        self.stopping = threading.Event()
        self.connections: dict[socket.socket, threading.Thread] = {}
        self._ear, self._mouth = socket.socketpair()  # a word from one end wakes the other, with no polling
        self._serving = threading.Thread(target=self._serve, name=f"local-replicate-{self.port}", daemon=True)

    def begin(self) -> None:
        """Serve."""
        self._serving.start()

    def end(self) -> None:
        """Stop serving, close every connection, and give the threads a moment to end."""
        patience = time.monotonic() + 0.7
        self.stopping.set()
        with contextlib.suppress(OSError):  # a connection may have woken the other end just now, and it is gone
            self._mouth.send(b".")
        self._serving.join(0.3)
        self.server_close()
        self._mouth.close()
        open_ones = list(self.connections.items())
        for connection, _ in open_ones:
            _hang_up(connection)
        for _, thread in open_ones:
            if thread is not threading.current_thread():
                thread.join(max(0.0, patience - time.monotonic()))

    def _serve(self) -> None:
        with self._ear, selectors.DefaultSelector() as selector:
            for one in (self.socket, self._ear):
                selector.register(one, selectors.EVENT_READ)
            while not self.stopping.is_set():
                selector.select()
                if not self.stopping.is_set():
                    self.handle_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client who left."""


class _Handler(WSGIRequestHandler):
    """Answers one connection, quietly."""

    disable_nagle_algorithm = True  # an event is several small writes, which must not wait for each other
    server: Listener

    def setup(self) -> None:
        """Remember the connection, so that the server can close it."""
        super().setup()
        self.server.connections[self.connection] = threading.current_thread()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.connections.pop(self.connection, None)
        super().finish()

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        """Reset the connection where a fault says so; that a client has left needs no word."""
        if isinstance(error, Reset):
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()  # it holds the connection open
            self.connection.close()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say only what is a fault of the server's own."""
        if message.startswith("Error on request"):
            super().log(type, message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the client was quicker
        return
