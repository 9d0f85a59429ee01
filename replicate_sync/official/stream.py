"""Event streams, as the official client yields them, on this package's engine.

The text of the events is exact: a connection that breaks is taken up again, nothing is lost or
repeated, and a stream that cannot be completed raises `StreamError`. Leaving the loop cancels the
prediction. The last event, `done`, is yielded when the prediction has ended.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from enum import Enum
from typing import TYPE_CHECKING, Any

from .. import exceptions as native
from ..prediction.prediction import Prediction as NativePrediction
from ..sse import Event
from .exceptions import ModelError, ReplicateError, as_official_errors
from .helpers import may_be_file, transform_output
from .resource import Resource

if TYPE_CHECKING:
    from .client import Client
    from .prediction import Prediction


class ServerSentEvent(Resource):
    """One event of a stream; `str()` is its text, which is "" for all but output."""

    class EventType(Enum):
        """What an event says."""

        OUTPUT = "output"
        LOGS = "logs"
        ERROR = "error"
        DONE = "done"

    event: EventType
    data: Any
    id: str
    retry: int | None

    def __str__(self) -> str:
        return str(self.data) if self.event is self.EventType.OUTPUT else ""


_OUTPUT = ServerSentEvent.EventType.OUTPUT
_DONE = ServerSentEvent.EventType.DONE


class StreamedModelError(ModelError, RuntimeError):
    """A model failed while its output was streamed; `str()` is the data of the error event."""

    def __str__(self) -> str:
        return json.dumps({"detail": self.prediction.error})


def stream(
    client: Client,
    ref: Any,
    input: dict[str, Any] | None = None,
    *,
    use_file_output: bool | None = True,
    **params: Any,
) -> Iterator[ServerSentEvent]:
    """Run a model, and yield the events of its output; see `Client.stream`.

    Args:
        client: The client.
        ref: As in `Client.stream`; likewise all other arguments.
        input: See there.
        use_file_output: See there.
        **params: See there.

    Yields:
        Events.

    Raises:
        ReplicateError: See there.
    """
    prediction = client.create_prediction(ref, input, {**params, "stream": True})
    yield from stream_prediction(prediction, use_file_output)


def stream_prediction(
    prediction: Prediction, use_file_output: bool | None
) -> Iterator[ServerSentEvent]:
    """Yield the events of a prediction; see `Prediction.stream`."""
    native_prediction = prediction._native
    if not isinstance((prediction.urls or {}).get("stream"), str):
        native_prediction.abandon()
        raise ReplicateError("Model does not support streaming")
    last_id = ""
    reason = {}
    try:
        with as_official_errors(), closing(_output_events(native_prediction)) as events:
            for event in events:
                last_id = event.id
                data: Any = event.data
                if use_file_output is not False and may_be_file(data):
                    data = _file_or_text(prediction, data)
                yield ServerSentEvent(event=_OUTPUT, data=data, id=event.id)
    except native.PredictionFailed as error:
        raise StreamedModelError(prediction._refresh()) from error
    except native.PredictionCanceled:
        reason = {"reason": "canceled"}
    prediction._refresh()
    yield ServerSentEvent(event=_DONE, data=json.dumps(reason), id=last_id)


def _output_events(prediction: NativePrediction) -> Generator[Event, None, None]:
    pieces = prediction.output
    if prediction.ended and isinstance(pieces, list) and all(isinstance(p, str) for p in pieces):
        # Its stream would bring them one by one.
        for number, piece in enumerate(pieces):
            yield Event("output", piece, str(number))
        return
    yield from prediction.stream_events()


def _file_or_text(prediction: Prediction, data: str) -> Any:
    schema = prediction._output_schema()
    return transform_output(data, prediction._client, schema.items if schema.items.type else schema)
