"""What the API says of a prediction: its fields, and what follows from its metrics and logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..exceptions import InvalidInputError, UnexpectedDataError, excerpt
from ..forks import brief_lock
from ..http.json import LongObject
from ..payloads.output_urls import file_urls, needs_schema, plain_output
from ..refs import IDENTIFIER
from .context import Context
from .observation import Observation
from .outcomes import TERMINAL_STATUSES

if TYPE_CHECKING:
    from ..display.logs import Progress

Status = Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"]

_TEXT_FIELDS = ("model", "version", "created_at", "started_at", "completed_at")
_OBJECT_FIELDS = ("input", "metrics", "urls")

_Self = TypeVar("_Self", bound="PredictionFields")


class PredictionFields:
    """What the API says of a prediction or a training. Reading it sends no request.

    Args:
        data: The API's JSON, an object with an `id`.
        context: The client's settings, by which it is polled, and its output parsed.

    Attributes:
        id: Its id.
        status: "starting", "processing", "succeeded", "failed", "canceled" or "aborted".
        model: "owner/name", where known.
        version: The id of the model's version, where known.
        input: The model's input.
        output: The model's output, as JSON; `result()` makes files and text of it.
        error: Why it failed.
        logs: What the model printed.
        metrics: Seconds and counts.
        urls: Its URLs by name: "get", "cancel", "stream", "web".
        created_at: When it was created, in ISO 8601; likewise `started_at` and `completed_at`.
        data_removed: Whether the API has removed input, output and logs.
        raw: All of the above as the API sent it.

    Examples:
        >>> hello = "replicate/hello-world"
        >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
        >>> prediction.input, prediction.output
        ({'text': 'Alice'}, 'hello Alice')
    """

    #: What it is called in messages.
    label = "Prediction"
    #: The resource that it belongs to.
    collection = "predictions"

    _observation: Observation | None = None
    # The output, once it is known that it needs no schema: to look through a large one takes up to
    # a third of the time in which it is parsed.
    _plain_output: Any = None

    raw: dict[str, Any]
    id: str = ""
    status: Status = "starting"
    model: str | None = None
    version: str | None
    input: dict[str, Any]
    output: Any
    error: str | None
    logs: str
    metrics: dict[str, Any]
    urls: dict[str, Any]
    created_at: str | None
    started_at: str | None
    completed_at: str | None
    data_removed: bool

    def __init__(self, data: Any, context: Context) -> None:
        self._context = context
        self.update(data)

    @classmethod
    def of_id(cls: type[_Self], prediction_id: str, context: Context) -> _Self:
        """Return a prediction of which only the id is known, to be updated.

        Raises:
            InvalidInputError: It is not an id.
        """
        if not isinstance(prediction_id, str) or not IDENTIFIER.fullmatch(prediction_id):
            raise InvalidInputError(
                f"An id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {prediction_id!r}."
            )
        prediction = cls.__new__(cls)
        prediction.id = prediction_id
        prediction._context = context
        return prediction

    def update(self: _Self, data: Any) -> _Self:
        """Take over what the API, or another process, says of this prediction, and return it.

        Raises:
            UnexpectedDataError: The data is not a prediction, or it is another one.
        """
        is_prediction = (
            isinstance(data, dict)
            and isinstance(data.get("id"), str)
            and IDENTIFIER.fullmatch(data["id"]) is not None
            and isinstance(data.get("status"), str)
        )
        if not is_prediction:
            shown = self._context.transport.redact(json.dumps(data, default=str))
            raise UnexpectedDataError(
                f"a {self.label.lower()} with an id and a status", excerpt(shown)
            )
        if self.id not in ("", data["id"]):
            raise UnexpectedDataError(
                f"{self.label.lower()} {excerpt(self.id)}", excerpt(data["id"])
            )
        fields: dict[str, Any] = {
            "raw": data,
            "id": data["id"],
            "status": data["status"],
            "output": data.get("output"),
            "_plain_output": None,
            "data_removed": bool(data.get("data_removed")),
        }
        if isinstance(data, LongObject):
            fields["raw"] = dict(data)  # not all that writes a dict takes another class
            fields["_plain_output"] = plain_output(data)
        for name in _TEXT_FIELDS:
            text = data.get(name)
            fields[name] = text if isinstance(text, str) else None
        for name in _OBJECT_FIELDS:
            value = data.get(name)
            fields[name] = value if isinstance(value, dict) else {}
        error = data.get("error")
        if error is None or isinstance(error, str):
            fields["error"] = error
        else:
            fields["error"] = json.dumps(error)
        logs = data.get("logs")
        if isinstance(logs, str):
            fields["logs"] = logs
        else:
            fields["logs"] = ""
        with brief_lock:
            has_ended = self.status in TERMINAL_STATUSES
            if has_ended and data["status"] not in TERMINAL_STATUSES:
                return self  # a poll's response that was overtaken by the one of a cancel
            vars(self).update(fields)
        if self._observation is not None:
            self._observation.note(self)
        return self

    @property
    def ended(self) -> bool:
        """Whether the status is a final one.

        Examples:
            >>> client.predictions.create("replicate/hello-world", {"text": "Alice"}).wait().ended
            True
        """
        return self.status in TERMINAL_STATUSES

    @property
    def progress(self) -> Progress | None:
        """How far it is, by the last progress bar in its logs; None where there is none.

        Examples:
            >>> prediction = client.predictions.create("local/slow", {"seconds": 0}).wait()
            >>> prediction.progress.percentage
            100
        """
        from ..display.logs import Progress

        return Progress.parse(self.logs)

    @property
    def predict_time(self) -> float | None:
        """The seconds that the model ran, which is what is billed; None until that is known.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> prediction.predict_time < 10
            True
        """
        return self._metric("predict_time")

    @property
    def total_time(self) -> float | None:
        """The seconds from its creation to its end.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> prediction.total_time >= prediction.predict_time
            True
        """
        return self._metric("total_time")

    @property
    def input_tokens(self) -> float | None:
        """The tokens that a language model read.

        Examples:
            >>> llama = "meta/meta-llama-3-70b-instruct"
            >>> prediction = client.predictions.create(llama, {"prompt": "Hello", "max_tokens": 3})
            >>> prediction.wait().input_tokens > 0
            True
        """
        return self._metric("input_token_count", "token_input_count")

    @property
    def output_tokens(self) -> float | None:
        """The tokens that a language model wrote.

        Examples:
            >>> llama = "meta/meta-llama-3-70b-instruct"
            >>> prediction = client.predictions.create(llama, {"prompt": "Hello", "max_tokens": 3})
            >>> prediction.wait().output_tokens
            3
        """
        return self._metric("output_token_count", "token_output_count")

    @property
    def images_made(self) -> float | None:
        """The images that it made, by its metrics or by its output; None where neither says.

        Examples:
            >>> flux = "black-forest-labs/flux-schnell"
            >>> client.predictions.create(flux, {"prompt": "a lighthouse"}).wait().images_made
            1
        """
        count = self._metric("image_count", "image_output_count")
        if count is not None:
            return count
        output = self.output
        if output is self._plain_output:
            return None
        if not needs_schema(output):
            self._plain_output = output
            return None
        transport = self._context.transport
        urls = file_urls(output, transport.displayed_url)
        if not urls:
            return None
        from ..payloads.file_output import FileOutput  # late, as a text is no file

        files = [FileOutput(url, transport.downloader) for url in urls]
        return sum(file.mime_type.startswith("image/") for file in files) or None

    @property
    def has_run(self) -> bool:
        """Whether it has started, by its status, its times or its metrics.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> client.predictions.create(hello, {"text": "Alice"}).wait().has_run
            True
        """
        is_known = self.status in ("processing", "succeeded") or self.started_at is not None
        return is_known or bool(self.metrics) or bool(self.logs)

    def _metric(self, *names: str) -> float | None:
        metrics = self.metrics
        for name in names:
            value = metrics.get(name)
            if value is None:
                continue
            if isinstance(value, int | float) and abs(value) <= 1e18:  # no more than a float holds
                return value
        return None
