"""A local Replicate: the server that listens on a port of this machine."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from . import webhooks
from .app import API
from .catalog import Catalog
from .cog.predictor_model import CogModel
from .deployments import Deployments
from .files import Files
from .jobs import Jobs
from .listener import Listener, bind
from .models import F, Registry, check_name, everywhere
from .testing import scripts
from .testing.faults import Faults
from .testing.middleware import Gate
from .testing.request_log import Requests
from .uploads import LIMIT, Uploads


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
        self.catalog = Catalog(self.models)
        self.deployments = Deployments()
        self.uploads = Uploads()
        self.jobs = Jobs(Files(self.uploads))
        self._cogs: list[CogModel] = []
        self.requests = Requests()
        self.faults = Faults()
        self._application = API(self).application()
        self._listener: Listener | None = None
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
                with bind(self.host, self.port) as bound:
                    gate = Gate(self._application, self.requests, self.faults, self.stopped)
                    self._listener = Listener(self.host, bound, gate)
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
