"""The socket that a server listens on, its thread, and its connections."""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING

from .connection import Connection
from .worker_threads import WorkerThreads

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_BACKLOG = 256
_STOP_TIMEOUT = 0.7  # seconds for all threads to end
_LOOP_TIMEOUT = 0.3  # seconds of these for the listening thread
_ACCEPT_PAUSE = 0.1  # seconds until another try where a connection cannot be accepted


class Listener:
    """One opening of a port: its socket, its thread, and its connections.

    Each connection has a thread of its own, so that however many streams are open, the next
    request is served.

    Args:
        host: The address that is listened on.
        listening: The socket that listens already; it is duplicated.
        application: What responds to the requests.

    Attributes:
        socket: The socket that listens.
        port: Its port.
        stopping: Set where it stops.
    """

    def __init__(self, host: str, listening: socket.socket, application: WSGIApplication) -> None:
        self.socket: socket.socket = listening.dup()
        self.socket.setblocking(False)  # a connection that was announced may be gone
        self.port: int = listening.getsockname()[1]
        self.stopping: threading.Event = threading.Event()
        self._connections: dict[socket.socket, int | None] = {}  # with the ids of their threads
        self._closed = threading.Condition()  # guards these, and is notified where one is closed
        self._threads = WorkerThreads()
        self._host = host
        self._application = application
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
        self.socket.close()
        self._wake_sender.close()
        self._threads.close()
        with self._closed:
            for connection in self._connections:
                _shut_down(connection)
            self._closed.wait_for(self._only_own_is_open, max(0.0, deadline - time.monotonic()))

    def _only_own_is_open(self) -> bool:
        """Return whether no connection is open but the one whose thread this is."""
        return all(thread == threading.get_ident() for thread in self._connections.values())

    def _serve(self) -> None:
        with self._wake_receiver, selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            while not self.stopping.is_set():
                selector.select()
                if not self.stopping.is_set():
                    self._accept()

    def _accept(self) -> None:
        try:
            client, address = self.socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:  # there are no more files for sockets, until another one is closed
            self.stopping.wait(_ACCEPT_PAUSE)
            return
        with self._closed:
            self._connections[client] = None
        serve = functools.partial(self._serve_client, client, address[0])
        try:
            self._threads.run(serve, f"local-replicate-{self.port}-client")
        except RuntimeError:  # there can be no more threads, until another one ends
            self._drop(client)

    def _serve_client(self, client: socket.socket, address: str) -> None:
        self._connections[client] = threading.get_ident()
        try:
            with contextlib.suppress(OSError):  # the client may have left
                client.settimeout(None)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
                server = (self._host, self.port)
                Connection(client, address, server, self._application).serve()
        finally:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        client.close()
        with self._closed:
            del self._connections[client]
            self._closed.notify_all()


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
