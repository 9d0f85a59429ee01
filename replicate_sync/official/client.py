"""`Client`, as the official client has it, on a client of this package.

Unlike there, the token and the base URL are read from the environment at each call, proxies of the
environment count, and `timeout` counts for every request. There is no httpx: `timeout` is a number
of seconds, or anything with `read`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from ..client import Replicate
from ..http.config import BASE_URL_VARIABLE, Token
from ..http.download import Downloader
from ..http.pagination import PageParser, RawPage, follow_link
from ..http.request import Content, validate_segments
from ..payloads.schema_cache import SchemaCache
from ..polling import Polling
from .account import Accounts
from .collection import Collections
from .deployment import Deployments
from .exceptions import as_official_errors
from .file import Files
from .hardware import HardwareNamespace as Hardware
from .identifier import resolve
from .model import Models
from .prediction import Prediction, Predictions, create_of_model
from .resource import refuse_async
from .run import run
from .stream import ServerSentEvent, stream
from .tokens import take_token, token_of_cog
from .training import Trainings
from .webhook import Webhooks

_DEFAULT_TIMEOUT = 180.0  # seconds of silence on a request; a create may be held back for 60
_UNLIMITED = Polling(attempts=10**6)
_INTERVAL_VARIABLE = "REPLICATE_POLL_INTERVAL"


class Client:
    """A client of Replicate's HTTP API.

    Args:
        api_token: The token; by default that of Cog's current prediction, or else
            REPLICATE_API_TOKEN, read at each call.
        base_url: The URL of the API, without /v1; by default REPLICATE_BASE_URL.
        timeout: The longest silence on a request in seconds, also as an `httpx.Timeout`.
        **kwargs: `headers` for requests to the API; `proxy`, a URL; and `file_hosts`, those that
            files may be downloaded from although they are in a private network.

    Raises:
        TypeError: An argument is one of httpx that has no meaning here.

    Examples:
        >>> from replicate_sync.official import Client
        >>> Client().run("replicate/hello-world", input={"text": "Alice"})
        'hello Alice'
    """

    def __init__(
        self,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Any = None,
        **kwargs: Any,
    ) -> None:
        api_token = Token.of(api_token)  # as an error shows the local variables
        headers, token = take_token(kwargs.pop("headers", None), api_token)
        self._options: dict[str, Any] = {
            "timeout": _seconds(timeout),
            "headers": headers,
            "proxy": kwargs.pop("proxy", None),
            "file_hosts": kwargs.pop("file_hosts", ()),
        }
        if kwargs:
            raise TypeError(
                f"Client() has no argument {next(iter(kwargs))!r} here: it is one of httpx, and "
                "this client is on requests. It takes headers=, proxy= and file_hosts=."
            )
        self._token = token
        self._base_url = base_url
        # The latest token of a prediction of Cog's, and the client that sends it.
        self._latest_in_cog: tuple[Token, Replicate] | None = None
        #: The seconds between two polls.
        self.poll_interval: float = float(os.environ.get(_INTERVAL_VARIABLE, "0.5"))

    @property
    def native(self) -> Replicate:
        """The client of this package that does the work; made when it is first needed."""
        token = None if self._token else token_of_cog()
        if token is None:
            return self._native
        latest = self._latest_in_cog
        if latest is None or latest[0] != token:
            latest = (token, self._native.with_options(api_key=token))
            self._latest_in_cog = latest
        return latest[1]

    @cached_property
    def _native(self) -> Replicate:
        base_url = self._base_url
        if base_url is None:
            from_environment = os.environ.get(BASE_URL_VARIABLE, "")
            if urlsplit(from_environment).path.strip("/") not in ("", "v1"):
                base_url = from_environment
        # One without a path is read at each call.
        if base_url is not None:
            base_url = _with_version(base_url)
        return Replicate(self._token, base_url=base_url, polling=_UNLIMITED, **self._options)

    @property
    def downloader(self) -> Downloader:
        """What fetches files, without the token."""
        return self.native.predictions.context.transport.downloader

    @property
    def schemas(self) -> SchemaCache:
        """The schemas of models."""
        return self.native.predictions.context.schemas

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: Content | None = None,
        repeatable: bool = True,
        build: Callable[[Any], Any] = lambda data: data,
    ) -> Any:
        """Return what the API responds, as JSON or as what is built of it.

        Args:
            method: The HTTP method.
            path: The path, without /v1.
            body: A value to send as JSON.
            content: A body that is not JSON.
            repeatable: Whether it may be sent twice.
            build: Makes the value to return.

        Raises:
            ValueError: An id or a name in the path would lead to something else.
            ReplicateError: The API refused.
        """
        validate_segments(path)
        transport = self.native.predictions.context.transport
        with as_official_errors():
            return transport.request(
                method, path, body, content=content, repeatable=repeatable, build=build
            )

    def follow_link(self, path: str, link: str) -> RawPage:
        """Return the page of a list that a link leads to.

        Raises:
            ReplicateError: The API refused.
        """
        with as_official_errors():
            transport = self.native.predictions.context.transport
            return follow_link(transport, path, link, PageParser())

    def create_prediction(
        self, ref: Any, input: dict[str, Any] | None, params: dict[str, Any]
    ) -> Prediction:
        """Start a prediction of what `run` and `stream` are given, and return it.

        Raises:
            ValueError: It is no reference.
            ReplicateError: The API refused.
        """
        _, owner, name, version_id = resolve(ref)
        if version_id is not None:
            return self.predictions.create(version=version_id, input=input or {}, **params)
        if not (owner and name):
            raise ValueError(
                f"Invalid argument: {ref}. Expected model, version, or reference in the format "
                "owner/name or owner/name:version"
            )
        return create_of_model(self, (owner, name), input or {}, params)

    @property
    def accounts(self) -> Accounts:
        """Accounts: `current`."""
        return Accounts(self)

    @property
    def collections(self) -> Collections:
        """Collections of models: `list`, `get`."""
        return Collections(self)

    @property
    def deployments(self) -> Deployments:
        """Deployments: `list`, `get`, `create`, `update`, `delete`, and their `predictions`."""
        return Deployments(self)

    @property
    def files(self) -> Files:
        """Uploaded files: `create`, `get`, `list`, `delete`."""
        return Files(self)

    @property
    def hardware(self) -> Hardware:
        """The hardware that models run on: `list`."""
        return Hardware(self)

    @property
    def models(self) -> Models:
        """Models: `list`, `search`, `get`, `create`, `delete`, and their `predictions`."""
        return Models(self)

    @property
    def predictions(self) -> Predictions:
        """Predictions: `create`, `get`, `list`, `cancel`."""
        return Predictions(self)

    @property
    def trainings(self) -> Trainings:
        """Trainings: `create`, `get`, `list`, `cancel`."""
        return Trainings(self)

    @property
    def webhooks(self) -> Webhooks:
        """Webhooks: `validate`, and `default.secret`."""
        return Webhooks(self)

    def run(
        self,
        ref: Any,
        input: dict[str, Any] | None = None,
        *,
        use_file_output: bool | None = True,
        **params: Any,
    ) -> Any:
        """Block until a model has its output, and return that.

        Args:
            ref: "owner/name", "owner/name:version", a Model or a Version.
            input: The model's input.
            use_file_output: False for the URLs of files, instead of `FileOutput`.
            **params: `wait`, `webhook`, `webhook_completed`, `webhook_events_filter`, `prefer`,
                and `file_encoding_strategy`.

        Returns:
            The output as JSON, with a `FileOutput` for each file; a generator of its items for a
            version whose output comes piece by piece.

        Raises:
            ModelError: The model failed, or the prediction was canceled.
            ReplicateError: The API refused.
            ValueError: `ref` is no reference.

        Examples:
            >>> from replicate_sync.official import Client
            >>> Client().run("replicate/hello-world", input={"text": "Alice"})
            'hello Alice'
        """
        return run(self, ref, input, use_file_output=use_file_output, **params)

    def stream(
        self,
        ref: Any,
        *,
        input: dict[str, Any] | None = None,
        use_file_output: bool | None = True,
        **params: Any,
    ) -> Iterator[ServerSentEvent]:
        """Run a model, and yield the events of its output.

        Args:
            ref: As in `run`; likewise all other arguments.
            input: See there.
            use_file_output: See there.
            **params: See there.

        Yields:
            Events: `str()` of one is its text.

        Raises:
            ReplicateError: The model does not stream, or the API refused.
            RuntimeError: The model failed; it is a ModelError too.

        Examples:
            >>> from replicate_sync.official import Client
            >>> prompt = {"prompt": "Tell me about rivers.", "max_tokens": 5}
            >>> events = list(Client().stream("meta/meta-llama-3-70b-instruct", input=prompt))
            >>> len("".join(str(event) for event in events)) > 0
            True
        """
        return stream(self, ref, input, use_file_output=use_file_output, **params)

    def __getattr__(self, name: str) -> Any:
        refuse_async("'Client' object", "client", name)


def _seconds(timeout: Any) -> float:
    """Return a timeout of httpx as one number of seconds."""
    if isinstance(timeout, tuple):
        timeout = timeout[1]
    value = getattr(timeout, "read", timeout)
    if value is None:
        return _DEFAULT_TIMEOUT
    return float(value)


def _with_version(url: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith("/v1") else f"{url}/v1"
