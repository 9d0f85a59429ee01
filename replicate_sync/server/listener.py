"""The socket that a server listens on, its thread, and its connections."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from io import BufferedIOBase
from typing import IO, TYPE_CHECKING, cast

from werkzeug.serving import DechunkedInput, ThreadedWSGIServer, WSGIRequestHandler

from .testing.middleware import ResetConnection

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment


_BACKLOG = 256
_STOP_TIMEOUT = 0.7  # seconds for all threads to end
_LOOP_TIMEOUT = 0.3  # seconds of these for the listening thread


class Listener(ThreadedWSGIServer):
    """One opening of a port: its socket, its thread, and its connections.

    Args:
        host: The address that is listened on.
        listening: The socket that listens already; werkzeug would end the program where it cannot
            open one itself.
        application: What responds to the requests.

    Attributes:
        stopping: Set where it stops.
        connections: The open connections, with their threads.
    """

    timeout: float | None = (
        0.1  # seconds to wait for a connection that was announced, and may be gone
    )

    def __init__(self, host: str, listening: socket.socket, application: WSGIApplication) -> None:
        port = listening.getsockname()[1]
        super().__init__(host, port, application, _Handler, fd=listening.fileno())
        self.stopping: threading.Event = threading.Event()
        self.connections: dict[socket.socket, threading.Thread] = {}
        # A byte that is sent on one end wakes the thread that selects on the other.
        self._wake_receiver, self._wake_sender = socket.socketpair()
        name = f"local-replicate-{self.port}"
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, close every connection, and wait a moment for the threads to end."""
        deadline = time.monotonic() + _STOP_TIMEOUT
        self.stopping.set()
        with contextlib.suppress(OSError):  # a connection woke the thread, which has ended
            self._wake_sender.send(b".")
        self._thread.join(_LOOP_TIMEOUT)
        self.server_close()
        self._wake_sender.close()
        connections = list(self.connections.items())
        for connection, _ in connections:
            _shut_down(connection)
        for _, thread in connections:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self) -> None:
        with self._wake_receiver, selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self.stopping.is_set():
                selector.select()
                if not self.stopping.is_set():
                    self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that left."""


class _Handler(WSGIRequestHandler):
    """Responds to the requests of one connection, and logs only the server's own errors."""

    disable_nagle_algorithm = True  # an event is several small writes, which must not be delayed
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.wfile = _Writer(self.connection)
        self.server.connections[self.connection] = threading.current_thread()

    def finish(self) -> None:
        self.server.connections.pop(self.connection, None)
        super().finish()

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        if isinstance(environ["wsgi.input"], DechunkedInput):
            whole = cast("IO[bytes]", _WholeReads(self.rfile))
            environ["wsgi.input"] = DechunkedInput(whole)
        return environ

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        if isinstance(error, ResetConnection):
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()  # it holds the connection open
            self.connection.close()

    def log(self, type: str, message: str, *args: object) -> None:
        if message.startswith("Error on request"):
            super().log(type, message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class _Writer(BufferedIOBase):
    """Sends what is written at each flush in one piece; werkzeug writes an event in three."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unsent = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        if self._unsent:
            data = bytes(self._unsent)
            self._unsent.clear()
            self._connection.sendall(data)


class _WholeReads:
    """Lets it be an error that a chunk ends early; werkzeug would read on for ever."""

    def __init__(self, source: BufferedIOBase) -> None:
        self.readline = source.readline
        self._source = source

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise OSError("The body ends within a chunk")
        return data


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port; 0 takes a free one.

    Raises:
        OSError: The port is taken, or the host is no address of this machine.
    """
    family = socket.AF_INET
    if ":" in host:
        family = socket.AF_INET6
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client was quicker
        connection.shutdown(socket.SHUT_RDWR)
