"""A local Replicate: the server that listens on a port of this machine."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from . import scripts, webhooks
from .app import API
from .catalogue import Catalogue
from .cog_model import CogModel
from .deployments import Deployments
from .faults import Faults
from .files import Files
from .gate import Gate, Reset
from .jobs import Jobs
from .models import F, Registry, check_name, everywhere
from .received import Requests
from .uploads import LIMIT, Uploads

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_BACKLOG = 256


class LocalServer:
    """Replicate's HTTP API on a port of this machine, open while it is started; a context manager.

    `port=0` takes a free one. `token` is the one it accepts. A stream is closed after `idle_timeout` seconds
    without an event. `sync_status` is the status of a finished prediction in the answer to `Prefer: wait`:
    "succeeded", or "processing" as Replicate's edge has been seen to write it; files of at most 256 kB
    are `data:` URIs there, as many clients take no http URL for a file, unless `inline_files` is False, and URLs wherever
    else the prediction is shown. An uploaded file may have
    `file_limit` bytes. Webhooks are signed with `webhook_secret`, and the URLs of downloads with `file_secret`:
    attributes that may be set. Replicate tells webhooks at https URLs of anywhere; this server tells only programs
    on this machine, at http URLs as well.

    For tests, `script` lets a model do what the test says, `faults` lets requests go wrong, and `requests` are what came.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str = "r8_local",
        idle_timeout: float = 30.0,
        sync_status: Literal["succeeded", "processing"] = "succeeded",
        inline_files: bool = True,
        file_limit: int = LIMIT,
    ) -> None:
        if sync_status not in ("succeeded", "processing"):
            raise ValueError(f'sync_status is "succeeded" or "processing", not {sync_status!r}.')
        self.host, self.port, self.token = host, port, token
        self.idle_timeout, self.sync_status = idle_timeout, sync_status
        self.inline_files, self.file_limit = inline_files, file_limit
        self.webhook_secret, self.file_secret = webhooks.secret(), secrets.token_urlsafe(24)
        self.models = Registry(everywhere)
        self.catalogue = Catalogue(self.models)
        self.deployments = Deployments()
        self.uploads = Uploads()
        self.jobs = Jobs(Files(self.uploads))
        self._cogs: list[CogModel] = []
        self.requests = Requests()
        self.faults = Faults()
        self._application = API(self).application()
        self._listener: _Listener | None = None
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port is known once the server has started."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of the API, for REPLICATE_BASE_URL."""
        return f"{self.origin}/v1"

    def model(self, name: str, *, official: bool = True, version: str | None = None, boot: float = 0.0) -> Callable[[F], F]:
        """Register a function as a model of this server only; the parameters are `Registry.model`'s."""
        return self.models.model(name, official=official, version=version, boot=boot)

    def trainer(self, name: str) -> Callable[[F], F]:
        """Register a function as what trains a model, on this server only, as `Registry.trainer` does."""
        return self.models.trainer(name)

    def cog(self, name: str, predictor: str | None = None, *, url: str | None = None) -> None:
        """Register a Cog predictor as a model of this server only, and start it; it ends with the server.

        `predictor` is its file and class or function, such as "predict.py:Predictor", or a folder with a cog.yaml that
        names it; it is run by this Python, which needs the extra "cog". `url` is a Cog server that runs already instead.
        Raises CogError where it cannot be served, and ValueError for a name that is not `owner/name`.
        """
        check_name(name)
        one = CogModel(predictor, url)
        one.open()
        self._cogs.append(one)
        self.models.add(one.model(name))

    def script(
        self,
        name: str,
        output: Any = None,
        *,
        tokens: Iterable[str] | None = None,
        fail: str | None = None,
        delay: float = 0.0,
        logs: str = "",
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Let a model of this server do the same on every run, whatever its input: for tests.

        It gives `output`, any JSON value; bytes, a Path or a picture is a file, in a list or a dict too. With `tokens`
        it streams these pieces of text instead. With `fail` it fails with these words, after the tokens, if any.
        `delay` seconds pass before the output, or before each token. `logs` is what it logs at its beginning, and
        `metrics` are put among those that every prediction has.
        A model that is there keeps its version and its inputs, and takes any others too; one that is not is made, and
        runs by its name alone. A further call for the same name takes the place of the one before.
        Raises ValueError for a name that is not `owner/name`, and where there are both an output and tokens.
        """
        known = self.models.get(name)
        more: dict[str, Any] = {"fail": fail, "delay": delay, "logs": logs, "metrics": metrics}
        self.models.add(scripts.model(name, known, output=output, tokens=tokens, **more))

    def start(self) -> LocalServer:
        """Open the port and serve in a thread; where it is open already, do nothing. Gives the server.

        Raises OSError where the port is taken. A server that was stopped starts again on the same port.
        """
        with self._lock:
            if self._listener is None:
                for cog in self._cogs:
                    cog.open()
                with _bound(self.host, self.port) as bound:
                    gate = Gate(self._application, self.requests, self.faults, self.stopped)
                    self._listener = _Listener(self.host, bound, gate)
                self.port = self._listener.port
                self.jobs.open()
                self._listener.begin()
        return self

    def stop(self) -> None:
        """Close the port and every connection, and cancel what runs; once stopped, do nothing."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            self.jobs.stop()
            listener.end()
        for cog in self._cogs:
            cog.close()

    def stopped(self) -> bool:
        """Tell whether it is not serving."""
        return self._listener is None

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<LocalServer {'stopped' if self.stopped() else f'at {self.url}'}>"


class _Listener(ThreadedWSGIServer):
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
    server: _Listener

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


def _bound(host: str, port: int) -> socket.socket:
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
