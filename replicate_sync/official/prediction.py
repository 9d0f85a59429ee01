"""Predictions, as the official client has them: `wait` does not raise, and no wait has an end.

Unlike there, `wait=` counts for models and deployments too; a prediction that is waited for or
streamed is canceled where its caller leaves; `aborted` is an end; and `output_iterator` yields the
first pieces too.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..deadline import NO_DEADLINE
from ..display.logs import Progress as NativeProgress
from ..exceptions import PredictionCanceled, PredictionFailed
from ..payloads.schemas import OutputSchema
from ..prediction.create_options import CreateOptions, PredictionRequest, create_headers
from ..prediction.prediction import Prediction as NativePrediction
from ..refs import ModelRef
from ..resources.base import present_fields
from .exceptions import ModelError, as_official_errors
from .helpers import encode_json, has_possible_file, transform_output
from .identifier import ModelVersionIdentifier, owner_and_name
from .pagination import Cursor, Page, fetch_page
from .resource import Namespace, Resource, path_id
from .stream import ServerSentEvent, stream_prediction

if TYPE_CHECKING:
    from .client import Client

_Live = TypeVar("_Live", bound="LiveResource")

_FIELDS = ("webhook", "webhook_completed", "webhook_events_filter", "stream")
_MIN_INTERVAL = 0.001  # seconds
_UNKNOWN_OUTPUT = OutputSchema(None, {})


class LiveResource(Resource):
    """A prediction or a training: what goes on after it was created."""

    id: str
    model: str
    version: Any
    status: Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"]
    input: dict[str, Any] | None
    output: Any | None
    logs: str | None
    error: str | None
    created_at: str | None
    started_at: str | None
    completed_at: str | None
    urls: dict[str, str] | None

    _client: Client
    _native: NativePrediction

    @classmethod
    def of(cls: type[_Live], client: Client, native: NativePrediction) -> _Live:
        """Return the object for one of this package's own."""
        live = cls(**native.raw)
        live._client = client
        live._native = native
        return live

    def _refresh(self: _Live) -> _Live:
        self._take(self._native.raw)
        return self

    def reload(self) -> None:
        """Fetch what the API says now.

        Raises:
            ReplicateError: The API refused.
        """
        with as_official_errors():
            self._native.reload()
        self._refresh()

    def cancel(self) -> None:
        """Cancel it. What has ended stays as it is.

        Raises:
            ReplicateError: The API refused.
        """
        with as_official_errors():
            self._native.cancel()
        self._refresh()


class Prediction(LiveResource):
    """One run of a model."""

    _fields = (
        "id",
        "model",
        "version",
        "status",
        "input",
        "output",
        "logs",
        "error",
        "metrics",
        "created_at",
        "started_at",
        "completed_at",
        "urls",
    )
    metrics: dict[str, Any] | None

    @dataclass
    class Progress:
        """How far a prediction is, by the last progress bar in its logs."""

        #: From 0 to 1.
        percentage: float
        current: int
        total: int

        @classmethod
        def parse(cls, logs: str) -> Prediction.Progress | None:
            """Return the progress that logs show, or None."""
            found = NativeProgress.parse(logs)
            if found is None:
                return None
            return cls(found.percentage / 100, found.current, found.total)

    @property
    def progress(self) -> Progress | None:
        """How far it is, by the last progress bar in its logs; None where there is none."""
        if not self.logs:
            return None
        return self.Progress.parse(self.logs)

    def wait(self) -> None:
        """Block until it has ended, however. It is polled every `client.poll_interval` seconds.

        Raises:
            ReplicateError: The API refused.
        """
        for _ in self._polls():
            pass

    def stream(self, use_file_output: bool | None = None) -> Iterator[ServerSentEvent]:
        """Yield the events of its output, and one named done.

        Args:
            use_file_output: False for the URLs of files, instead of `FileOutput`.

        Yields:
            Events.

        Raises:
            ReplicateError: The model does not stream.
            RuntimeError: The model failed; it is a ModelError too.
        """
        yield from stream_prediction(self, use_file_output)

    def output_iterator(self) -> Iterator[Any]:
        """Yield the items of its output as they come.

        Yields:
            JSON values.

        Raises:
            ModelError: It failed, or was canceled.
        """
        position = 0
        with closing(self._polls()) as polls:
            for _ in polls:
                items = self.output or []
                yield from items[position:]
                position = max(position, len(items))
        self._raise_unless_succeeded()

    def _polls(self) -> Generator[None, None, None]:
        """Yield after each poll, until it has ended."""
        interval = max(self._client.poll_interval, _MIN_INTERVAL)
        try:
            with as_official_errors(), closing(self._native.events(every=interval)) as events:
                for _ in events:
                    self._refresh()
                    yield
        except (PredictionFailed, PredictionCanceled):
            self._refresh()

    def _raise_unless_succeeded(self) -> None:
        if self.status != "succeeded":
            raise ModelError(self)

    def _output_schema(self) -> OutputSchema:
        return self._client.schemas.for_output(self._native.model, self._native.version).output

    def _transform(self, output: Any) -> Any:
        """Return an output, with `FileOutput` for the files in it."""
        if not has_possible_file(output):
            return output
        return transform_output(output, self._client, self._output_schema())

    def _transformed_items(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            if has_possible_file(item):
                yield transform_output(item, self._client, self._output_schema().items)
            else:
                yield item


class Predictions(Namespace):
    """Predictions: `create`, `get`, `list`, `cancel`."""

    def list(self, cursor: Cursor = ...) -> Page[Prediction]:
        """Return a page of the account's predictions, newest first.

        Args:
            cursor: `next` or `previous` of another page; by default the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, "/predictions", cursor, self._parse)

    def get(self, id: str) -> Prediction:
        """Return a prediction by its id.

        Raises:
            ReplicateError: There is none.
        """
        return self._parse(self._client.request("GET", f"/predictions/{path_id(id)}"))

    def cancel(self, id: str) -> Prediction:
        """Cancel a prediction by its id, and return it.

        Raises:
            ReplicateError: There is none.
        """
        path = f"/predictions/{path_id(id)}/cancel"
        return self._parse(self._client.request("POST", path))

    def create(
        self,
        *args: Any,
        model: Any = None,
        version: Any = None,
        deployment: Any = None,
        input: dict[str, Any] | None = None,
        **params: Any,
    ) -> Prediction:
        """Start a prediction of a version, a model or a deployment, and return it.

        Args:
            *args: The version and the input, in this order.
            model: A Model, "owner/name", or a tuple of both.
            version: A Version, or its id.
            deployment: A Deployment, "owner/name", or a tuple of both.
            input: The model's input.
            **params: `wait`, `webhook`, `webhook_completed`, `webhook_events_filter`, `stream`,
                and `file_encoding_strategy`.

        Raises:
            ValueError: There is not one of the three.
            ReplicateError: The API refused.
        """
        if args:
            version = args[0]
            input = args[1] if len(args) > 1 else input
        if sum(map(bool, (model, version, deployment))) != 1:
            raise ValueError(
                "Exactly one of 'model', 'version', or 'deployment' must be specified."
            )
        if deployment:
            return create_on_deployment(self._client, deployment, input, params)
        if model:
            return create_of_model(self._client, model, input, params)
        return _create(self._client, _version_ref(getattr(version, "id", version)), input, params)

    def _parse(self, data: dict[str, Any]) -> Prediction:
        return Prediction.of(self._client, self._client.native.predictions.from_json(data))


def create_of_model(
    client: Client, model: Any, input: dict[str, Any] | None, params: dict[str, Any]
) -> Prediction:
    """Start a prediction of a model's latest version, and return it."""
    return _create(client, ModelRef("/".join(owner_and_name(model, "model"))), input, params)


def create_on_deployment(
    client: Client, deployment: Any, input: dict[str, Any] | None, params: dict[str, Any]
) -> Prediction:
    """Start a prediction on a deployment, and return it."""
    name = "/".join(owner_and_name(deployment, "deployment"))
    return _create(client, ModelRef(None, deployment=name), input, params)


def _create(
    client: Client, ref: ModelRef, input: dict[str, Any] | None, params: dict[str, Any]
) -> Prediction:
    body, fields, options = _prepare(client, input, params)
    with as_official_errors():
        request = PredictionRequest(ref, body, fields)
        created = client.native.predictions.start(request, options, validate=False)
    return Prediction.of(client, created)


def _prepare(
    client: Client, input: dict[str, Any] | None, params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], CreateOptions]:
    """Return the input, the further fields of the body, and how it is sent."""
    known = {*_FIELDS, "wait", "prefer", "file_encoding_strategy"}
    for name in params:
        if name not in known:
            warnings.warn(f"{name}= is no argument of a prediction, and ignored.", stacklevel=4)
    fields = present_fields(**{name: params.get(name) for name in _FIELDS})
    wait = params.get("wait", _parse_prefer(params.get("prefer")))
    headers = create_headers(client.native.predictions.context, wait, None, NO_DEADLINE)
    encoded = encode_json(input or {}, client, params.get("file_encoding_strategy"))
    return encoded, fields, CreateOptions(headers)


def _parse_prefer(prefer: Any) -> int | bool | None:
    """Return what a header Prefer, such as "wait=10", says of waiting."""
    name, _, seconds = str(prefer or "").partition("=")
    if name.strip() != "wait":
        return None
    return int(seconds) if seconds.strip().isdigit() else True


def _version_ref(version: str) -> ModelRef:
    try:
        owner, name, version_id = ModelVersionIdentifier.parse(version)
    except ValueError:
        return ModelRef(None, version)
    return ModelRef(f"{owner}/{name}", version_id)
