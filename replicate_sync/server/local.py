"""A local Replicate: the server that listens on a port of this machine."""

from __future__ import annotations

import os
import pathlib
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from . import webhooks
from .app import App
from .blobs import Blobs
from .catalog import Catalog
from .deployments import Deployments
from .files import Files
from .input_files import InputFiles
from .jobs import Bounds, Jobs
from .listener import Listener, listen
from .models import F, Registry, everywhere, validate_name
from .records import Records
from .testing.faults import Faults
from .testing.middleware import FaultMiddleware
from .testing.request_log import RequestLog
from .testing.scripts import Script, scripted_model
from .uploads import LIMIT, Uploads
from .web.page_paths import is_page_path

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from .cog.predictor_model import CogModel
    from .cog.reloading import ReloadedModel
    from .recording.recorder import Recorder
    from .recording.replay import Replay

_MEMORY_BOUNDS = Bounds(5_000, 256 * 2**20)
_DISK_BOUNDS = Bounds(50_000, 8 * 2**30)
_CONNECTABLE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class LocalServer:
    """Replicate's HTTP API on a port of this machine, open while it is started.

    A context manager: it is started on entry, and stopped on exit. Webhooks are sent only to
    programs of this machine, at http URLs as well as https.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        token: The token that clients must send.
        idle_timeout: After how many seconds without an event a stream is closed.
        sync_status: The status of a finished prediction in the response to `Prefer: wait`:
            "succeeded", or "processing" as Replicate's edge has been seen to write it.
        inline_files: Whether files of at most 256 kB are `data:` URIs in the response to
            `Prefer: wait`, as many clients accept no http URL for a file. Wherever else the
            prediction is shown they are URLs.
        file_limit: How many bytes an uploaded file may have.
        file_hosts: The hosts that file inputs are fetched from, besides the server itself, such
            as "localhost:8000"; without a port, any port.
        allowed_hosts: On a loopback address, further names that clients may reach the server by,
            such as that of a proxy. A request to any other name is refused, as the name of a web
            page may lead to this machine.
        keep_predictions: How many predictions that are over are kept, the newest ones; by default
            5,000, and with `data` 50,000.
        keep_bytes: How many bytes the kept predictions have with their files, and how many the
            uploaded files; by default 256 MB, and with `data` 8 GB.
        data: A folder that keeps predictions, files, created models and deployments: a server
            that is started with it again goes on from there. By default they are in memory.
        retention: After how many seconds the input, output and files of a prediction of the API
            are removed, as Replicate does after an hour (3600); by default they stay.

    Attributes:
        webhook_secret: The secret that webhooks are signed with; it may be set.
        webhook_timing: How often webhooks are sent; it may be set.
        webhook_log: The webhooks that were sent.
        file_secret: The secret that the URLs of downloads are signed with; it may be set.
        models: The registry of this server's models.
        catalog: Every model of the server, also those that clients created.
        deployments: The deployments that clients created.
        uploads: The uploaded files.
        jobs: The predictions and trainings.
        is_recording: Whether requests are passed on to the API that is recorded.
        requests: For tests, the requests that were received.
        faults: For tests, what is to go wrong with further requests.

    Raises:
        ValueError: `sync_status` is neither of the two, or another server uses the folder.

    Examples:
        >>> with LocalServer() as server:
        ...     client = Replicate(server.token, base_url=server.url)
        ...     client.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
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
        file_hosts: Collection[str] = (),
        allowed_hosts: Collection[str] = (),
        keep_predictions: int | None = None,
        keep_bytes: int | None = None,
        data: str | os.PathLike[str] | None = None,
        retention: float | None = None,
    ) -> None:
        if sync_status not in ("succeeded", "processing"):
            raise ValueError(f'sync_status is "succeeded" or "processing", not {sync_status!r}.')
        self.host = host
        self.port: int = port
        self.token = token
        self.idle_timeout = idle_timeout
        self.sync_status = sync_status
        self.inline_files = inline_files
        self.file_limit = file_limit
        self.allowed_hosts: Collection[str] = tuple(allowed_hosts)
        self.webhook_secret: str = webhooks.new_secret()
        self.webhook_timing: webhooks.WebhookTiming = webhooks.WebhookTiming()
        self.webhook_log: webhooks.WebhookLog = webhooks.WebhookLog()
        self.file_secret: str = secrets.token_urlsafe(24)
        folder = None if data is None else pathlib.Path(data)
        self._records = Records(folder)
        bounds = _bounds(folder is not None, keep_predictions, keep_bytes, retention)
        self.models: Registry = Registry(everywhere)
        self.catalog: Catalog = Catalog(self.models, self._records)
        self.deployments: Deployments = Deployments(self._records)
        self.uploads: Uploads = Uploads(bounds.bytes, _blobs(folder, "uploads"), self._records)
        files = Files(self.uploads, _blobs(folder, "outputs"))
        input_files = InputFiles(files, file_hosts, file_limit)
        self.jobs: Jobs = Jobs(files, input_files, bounds, self._records)
        self.requests: RequestLog = RequestLog()
        self.faults: Faults = Faults()
        self._application = FaultMiddleware(
            App(self), self.requests, self.faults, self.stopped, is_page_path
        )
        self._recording: Recorder | Replay | None = None
        self.is_recording: bool = False
        self._cog_models: list[CogModel | ReloadedModel] = []
        self._listener: Listener | None = None
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port is known once the server has started.

        Examples:
            >>> client.server.origin
            'http://127.0.0.1:...'
        """
        host = _CONNECTABLE.get(self.host, self.host)
        if ":" in host:
            return f"http://[{host}]:{self.port}"
        return f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of the API, for REPLICATE_BASE_URL.

        Examples:
            >>> client.server.url
            'http://127.0.0.1:.../v1'
        """
        return f"{self.origin}/v1"

    def model(
        self,
        name: str,
        *,
        official: bool = True,
        version: str | None = None,
        boot: float = 0.0,
    ) -> Callable[[F], F]:
        """Register a function as a model of this server only; a decorator.

        Its parameters are the model's input, by their annotations, and what it returns is the
        output; a generator streams.

        Args:
            name: `owner/name`.
            official: Whether it runs by its name alone; a community model runs by its version only.
            version: The version's id, 64 hexadecimal digits; by default it is derived from the
                name and the schemas.
            boot: For how many seconds each prediction is `starting`.

        Returns:
            A decorator, which returns the function as it is.

        Raises:
            ValueError: The name is not `owner/name`.

        Examples:
            >>> @client.server.model("me/shout")
            ... def shout(text: str) -> str:
            ...     return text.upper()
            >>> client.run("me/shout", {"text": "hello"})
            'HELLO'
        """
        return self.models.model(name, official=official, version=version, boot=boot)

    def trainer(self, name: str) -> Callable[[F], F]:
        """Register a function as what trains a model, on this server only; a decorator.

        Its parameters are a training's input, and it returns the weights: a file, a URL, or None.

        Args:
            name: `owner/name` of a model that is registered already.

        Returns:
            A decorator, which returns the function as it is.

        Raises:
            ValueError: There is no model of this name.

        Examples:
            >>> @client.server.model("me/echo")
            ... def echo(text: str) -> str:
            ...     return text
            >>> @client.server.trainer("me/echo")
            ... def train(steps: int = 1) -> None:
            ...     print(f"{steps} steps")
            >>> version = client.models.get("me/echo").latest_version
            >>> training = client.trainings.create(f"me/echo:{version}", destination="local/mine")
            >>> training.wait().status
            'succeeded'
        """
        return self.models.trainer(name)

    def cog(
        self,
        name: str,
        predictor: str | None = None,
        *,
        url: str | None = None,
        reload: bool = False,
    ) -> None:
        """Register a Cog predictor as a model of this server only, and start it.

        It ends with the server. It is run by this Python, which needs the extra "cog".

        Args:
            name: `owner/name`.
            predictor: Its file and class or function, such as "predict.py:Predictor", or a folder
                with a cog.yaml that names it.
            url: Instead of a predictor, the URL of a Cog server that runs already.
            reload: Whether a predictor is started again when a file of its project changes. One
                that cannot be started is no error then: its page and its predictions say why.

        Raises:
            CogError: It cannot be served.
            ValueError: The name is not `owner/name`.

        Examples:
            >>> client.server.cog("me/model", "predict.py:Predictor")  # where there is no such file
            Traceback (most recent call last):
            replicate_sync.server.cog.predictor.CogError: There is no predictor at ...
        """
        # Late, as is the recorder: few servers need it, and it imports requests.
        from .cog.predictor_model import CogModel
        from .cog.reloading import ReloadedModel

        validate_name(name)
        if reload and predictor is not None:
            reloaded = ReloadedModel(name, predictor, self.models.add)
            reloaded.open()
            self._cog_models.append(reloaded)
            return
        cog_model = CogModel(predictor, url)
        cog_model.open()
        self._cog_models.append(cog_model)
        self.models.add(cog_model.model(name))

    def script(
        self,
        name: str,
        output: object = None,
        *,
        tokens: Iterable[str] | None = None,
        fail: str | None = None,
        delay: float = 0.0,
        logs: str = "",
        metrics: Mapping[str, object] | None = None,
    ) -> None:
        """Make a model of this server do the same on every run, whatever its input: for tests.

        A model that exists keeps its version and its inputs, and accepts any others too. Another
        one is created, and runs by its name alone. A further call for the same name replaces the
        one before.

        Args:
            name: `owner/name`.
            output: Any JSON value; bytes, a path or a picture is a file, in a list or a dict too.
            tokens: Instead of an output, the pieces of text to stream.
            fail: The error to fail with, after the tokens, if any.
            delay: Seconds before the output, or before each token.
            logs: What is logged first.
            metrics: Further metrics of the prediction.

        Raises:
            ValueError: The name is not `owner/name`, or there are both an output and tokens.

        Examples:
            >>> client.server.script("me/labels", output={"label": "cat"})
            >>> client.run("me/labels", {"image": "..."})
            {'label': 'cat'}
        """
        script = Script(output, tokens, fail, delay, logs, metrics or {})
        self.models.add(scripted_model(name, self.models.get(name), script))

    def record(
        self,
        path: str | os.PathLike[str],
        upstream: str,
        *,
        token: str = "",
        public_url: str | None = None,
    ) -> None:
        """Pass every request on to the API, and write down what comes back, without any secret.

        A file that is a recording already goes on where it ends. The server's own models are not
        run meanwhile.

        Args:
            path: The file to write to.
            upstream: The base URL of the API, or of another local server.
            token: The token for the API, sent for a client that has this server's token; by
                default each client's own token is passed on.
            public_url: Where the API reaches this server, so that webhooks are recorded too; an
                API on this machine needs none.

        Raises:
            ValueError: The file or the URL cannot be used.

        Examples:
            >>> with LocalServer() as server:
            ...     server.record("hello.recording", client.server.url, token=client.server.token)
            ...     recorded = Replicate(server.token, base_url=server.url)
            ...     recorded.run("replicate/hello-world", {"text": "Alice"})
            'hello Alice'
        """
        from .recording.recorder import Recorder

        self._end_recording()
        self._recording = Recorder(self, pathlib.Path(path), upstream, token, public_url)
        self.is_recording = True

    def replay(self, path: str | os.PathLike[str], *, speed: float = 1.0) -> None:
        """Respond to every request as the API did when it was recorded.

        The same text comes in the same pieces. A request that was never recorded is an error with
        the status code 400, and nothing is sent anywhere.

        Args:
            path: What `record` wrote.
            speed: What the recorded times are multiplied by: 1 waits as long, 0 not at all.

        Raises:
            ValueError: The file is no recording, or the speed is negative.

        Examples:
            >>> with LocalServer() as server:
            ...     server.record("bob.recording", client.server.url, token=client.server.token)
            ...     recorded = Replicate(server.token, base_url=server.url)
            ...     greeting = recorded.run("replicate/hello-world", {"text": "Bob"})
            >>> with LocalServer() as server:
            ...     server.replay("bob.recording", speed=0)
            ...     replayed = Replicate(server.token, base_url=server.url)
            ...     replayed.run("replicate/hello-world", {"text": "Bob"})
            'hello Bob'
        """
        from .recording.replay import Replay

        self._end_recording()
        self._recording = Replay(self, pathlib.Path(path), speed)

    def respond_instead(self) -> Response | None:
        """Return the response of a recording to the current request, or None for our own."""
        if self._recording is None:
            return None
        return self._recording.respond()

    def _end_recording(self) -> None:
        if self._recording is not None:
            self._recording.close()
            self._recording = None
            self.is_recording = False

    def start(self) -> LocalServer:
        """Open the port, serve in a thread, and return the server; a started one stays as it is.

        A server that was stopped starts again on the same port.

        Returns:
            This server.

        Raises:
            OSError: The port is taken.

        Examples:
            >>> server = LocalServer().start()
            >>> server.stopped()
            False
            >>> server.stop()
        """
        with self._lock:
            if self._listener is None:
                for cog_model in self._cog_models:
                    cog_model.open()
                with listen(self.host, self.port) as listening:
                    self._listener = Listener(self.host, listening, self._application)
                self.port = self._listener.port
                self._records.open()
                self.jobs.restore(self.origin)
                self.jobs.reopen()
                self._listener.start()
        return self

    def stop(self) -> None:
        """Close the port and every connection, and cancel what runs.

        A stopped server stays as it is.

        Examples:
            >>> server = LocalServer().start()
            >>> server.stop()
            >>> server.stopped()
            True
        """
        with self._lock:
            listener = self._listener
            self._listener = None
        if listener is not None:
            self.jobs.stop()
            listener.stop()
            self._records.close()
            self._end_recording()
        for cog_model in self._cog_models:
            cog_model.close()

    def stopped(self) -> bool:
        """Return whether the server is not serving.

        Examples:
            >>> client.server.stopped()
            False
        """
        return self._listener is None

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        if self.stopped():
            return "<LocalServer stopped>"
        return f"<LocalServer at {self.url}>"


def _bounds(
    on_disk: bool, predictions: int | None, size: int | None, retention: float | None
) -> Bounds:
    default = _DISK_BOUNDS if on_disk else _MEMORY_BOUNDS
    if predictions is None:
        predictions = default.predictions
    if size is None:
        size = default.bytes
    return Bounds(predictions, size, retention)


def _blobs(folder: pathlib.Path | None, name: str) -> Blobs:
    if folder is None:
        return Blobs(None)
    return Blobs(folder / name)
