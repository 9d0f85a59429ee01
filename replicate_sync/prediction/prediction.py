"""A prediction: one run of a model, which can be waited for, streamed and canceled."""

from __future__ import annotations

import atexit
import json
import logging
import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, Literal, TypeVar
from weakref import WeakSet

from ..display.logs import Progress
from ..display.progress import prediction_progress
from ..exceptions import (
    ConnectionFailed,
    Interruption,
    PredictionError,
    ReplicateError,
    ResponseError,
    UnexpectedDataError,
    excerpt,
)
from ..payloads.file_output import FileOutput
from ..payloads.outputs import file_urls, needs_schema, parse_output
from ..polling import NO_DEADLINE, Deadline
from ..refs import IDENTIFIER
from ..sse import Event
from . import outcomes
from .context import Context
from .event_stream import EventStream
from .transcript import Transcript

Status = Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"]

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "canceled", "aborted"})
CANCEL_TIMEOUT = 1.0  # seconds that canceling may take when the caller is leaving
EXIT_TIMEOUT = 1.5  # seconds that all canceling may take when the program ends

_TEXT_FIELDS = ("model", "version", "created_at", "started_at", "completed_at")
_OBJECT_FIELDS = ("input", "metrics", "urls")
_ENDS_WITHOUT_SUCCESS = frozenset({"error", "canceled"})
_DISPLAY_INTERVAL = 1.0  # seconds between two polls of what somebody watches
# Seconds without an event after which a stream is doubted; Replicate closes one after 30.
_STREAM_TIMEOUT = 45.0
_NEW = 1.0  # seconds after its creation, in which a stream is opened from its beginning
_DOUBT_INTERVAL = 0.5  # seconds between polls while a stream brings what may belong anywhere
# Seconds before each poll for the end that a stream has announced. An API that does not show it
# even then is believed to be late, as long as what it shows does not contradict the text.
_CONFIRMING_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)

_Self = TypeVar("_Self", bound="Prediction")
_log = logging.getLogger("replicate_sync")


class Prediction:
    """One run of a model, as the API last described it. Its repr sends no request.

    See https://replicate.com/docs/reference/http#predictions.get

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
    """

    #: What it is called in messages.
    noun = "Prediction"
    #: The resource that it belongs to.
    collection = "predictions"

    raw: dict[str, Any]
    id: str
    status: Status
    model: str | None
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
        self._new_until = 0.0
        self.update(data)

    def update(self: _Self, data: Any) -> _Self:
        """Take over what the API, or another process, says of this prediction, and return it.

        Raises:
            UnexpectedDataError: The data is not a prediction.
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
                f"a {self.noun.lower()} with an id and a status", excerpt(shown)
            )
        self.raw = data
        self.id = data["id"]
        self.status = data["status"]
        self.output = data.get("output")
        for name in _TEXT_FIELDS:
            text = data.get(name)
            setattr(self, name, text if isinstance(text, str) else None)
        for name in _OBJECT_FIELDS:
            value = data.get(name)
            setattr(self, name, value if isinstance(value, dict) else {})
        error = data.get("error")
        if error is None or isinstance(error, str):
            self.error = error
        else:
            self.error = json.dumps(error)
        logs = data.get("logs")
        if isinstance(logs, str):
            self.logs = logs
        else:
            self.logs = ""
        self.data_removed = bool(data.get("data_removed"))
        return self

    def mark_created(self) -> None:
        """Note that it has just been created, so that its stream is at its beginning."""
        self._new_until = monotonic() + _NEW

    @property
    def ended(self) -> bool:
        """Whether the status is a final one."""
        return self.status in TERMINAL_STATUSES

    @property
    def progress(self) -> Progress | None:
        """How far it is, by the last progress bar in its logs; None where there is none."""
        return Progress.parse(self.logs)

    @property
    def predict_time(self) -> float | None:
        """The seconds that the model ran, which is what is billed; None until that is known."""
        return self._metric("predict_time")

    @property
    def total_time(self) -> float | None:
        """The seconds from its creation to its end."""
        return self._metric("total_time")

    @property
    def input_tokens(self) -> float | None:
        """The tokens that a language model read."""
        return self._metric("input_token_count", "token_input_count")

    @property
    def output_tokens(self) -> float | None:
        """The tokens that a language model wrote."""
        return self._metric("output_token_count", "token_output_count")

    def _metric(self, *names: str) -> float | None:
        for name in names:
            value = self.metrics.get(name)
            if isinstance(value, int | float):
                return value
        return None

    @property
    def _path(self) -> str:
        return f"/{self.collection}/{self.id}"

    @property
    def _stream_url(self) -> str | None:
        url = self.urls.get("stream")
        if isinstance(url, str):
            return url
        return None

    def reload(self: _Self) -> _Self:
        """Poll the prediction once, and return it.

        See https://replicate.com/docs/reference/http#predictions.get

        Raises:
            ConnectionFailed: There was no response.
            ResponseError: The response is not the prediction.
        """
        self._poll(NO_DEADLINE)
        return self

    def _poll(self, deadline: Deadline) -> None:
        self._context.transport.request("GET", self._path, deadline=deadline, build=self.update)

    def cancel(self: _Self) -> _Self:
        """Cancel the prediction, and return it. One that has ended stays as it is.

        See https://replicate.com/docs/reference/http#predictions.cancel

        Raises:
            ConnectionFailed: There was no response.
            ResponseError: The API refused.
        """
        return self._context.transport.request("POST", f"{self._path}/cancel", build=self.update)

    def abandon(self) -> None:
        """Cancel the prediction because nobody waits for it: within a second, never an error."""
        if self.ended:
            return
        try:
            self._context.transport.request(
                "POST", f"{self._path}/cancel", single_attempt=CANCEL_TIMEOUT, build=self.update
            )
        except ReplicateError as error:
            _log.warning(
                "prediction %s could not be canceled and may still be running: %s",
                excerpt(self.id),
                error,
            )

    def result(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Any:
        """Return what `run` returns: wait for the end, then parse the output.

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether an interruption cancels the prediction.

        Returns:
            A str for text, a `FileOutput` for a file, a list of them for several files, or else
            the JSON value, with files in it as `FileOutput`.

        Raises:
            PredictionError: As `wait` does.
        """
        if self.status != "succeeded":
            self.wait(deadline=deadline, cancel_on_exit=cancel_on_exit)
        return self.parse_output()

    def parse_output(self) -> Any:
        """Return the output so far as `result` returns it, whatever the status is."""
        output = self.output
        if not needs_schema(output):
            return output
        schema = self._context.schemas.for_output(self.model, self.version)
        transport = self._context.transport
        return parse_output(output, schema, transport.downloader, transport.base_url)

    def wait(
        self: _Self,
        *,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
    ) -> _Self:
        """Block until the prediction has succeeded, and return it.

        It is polled as the client's `Polling` says. Between two polls its event stream is read,
        where it has one, so that the end is known when it happens; where it has none, it is polled
        early.

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether an interruption (Ctrl-C, a stopped cell, the end of the program)
                cancels the prediction.
            progress: Whether to display a progress bar with the status and the model's own
                percentage; polls every second then. Needs the extra "progress".

        Raises:
            PredictionFailed: The model failed.
            PredictionCanceled: It was canceled.
            PredictionTimeout: The attempts or the time are used up; it is still running.
            ConnectionFailed: It could not be polled; likewise ResponseError.
        """
        limit = Deadline.of(deadline)
        if self.ended and not progress:
            self._raise_unless_succeeded()
            return self
        if progress:
            interval = _DISPLAY_INTERVAL
        else:
            interval = None
        polls = self.events(deadline=limit, cancel_on_exit=cancel_on_exit, every=interval)
        displayed: Iterator[Prediction] = polls
        if progress:
            displayed = prediction_progress(polls, self, self.model or self.id)
        for _ in displayed:
            pass
        return self

    def events(
        self: _Self,
        *,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        every: float | None = None,
    ) -> Generator[_Self, None, None]:
        """Yield the prediction after each poll, until it has succeeded.

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.
            every: The longest polling interval in seconds, if the client's is longer.

        Yields:
            This prediction, updated.

        Raises:
            PredictionError: As `wait` does.
        """
        limit = Deadline.of(deadline)
        with self._supervised(limit, cancel_on_exit):
            polling = self._context.polling
            if every is not None:
                polling = polling.at_least_every(every)
            stream = EventStream(self._stream_url, self._context.transport.downloader, limit)
            for _ in polling.polls(stream.pause, limit, lambda: not stream.is_reliable):
                if not self.ended:
                    self._poll(limit)
                yield self
                if self.ended:
                    self._raise_unless_succeeded()
                    return
            raise outcomes.timeout_error(self, self._context.polling, limit)

    def stream(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Generator[str, None, None]:
        """Yield the model's text as it is written; nothing is lost or repeated by a reconnect.

        See https://replicate.com/docs/topics/predictions/streaming

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Pieces of the text.

        Raises:
            PredictionError: As `wait` does.
            StreamError: The stream broke and could not be resumed; `.text` has the text so far.
        """
        events = self.stream_events(deadline=deadline, cancel_on_exit=cancel_on_exit)
        with closing(events):
            for event in events:
                if event.data:
                    yield event.data

    def stream_events(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Generator[Event, None, None]:
        """Yield the output events of the stream, with the text of each that is new.

        It is `stream` for those who want the ids too, or the pieces without text. What had to be
        polled for is an event with the id of the one before it.

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Events named "output".

        Raises:
            PredictionError: As `stream` does; likewise StreamError.
        """
        transcript = Transcript(is_late=monotonic() > self._new_until or bool(self.output))
        self._new_until = 0.0
        limit = Deadline.of(deadline)
        with self._supervised(limit, cancel_on_exit):
            try:
                yield from self._new_events(transcript, limit)
            except (ConnectionFailed, ResponseError) as error:
                if limit.expired:
                    raise
                reason = f"could not be polled: {error}"
                raise outcomes.stream_error(self, transcript.text, reason) from error

    @contextmanager
    def _supervised(self, deadline: Deadline, cancel: bool) -> Iterator[None]:
        """Attach this prediction to every error, and cancel it where its caller leaves."""
        process = os.getpid()
        if cancel:
            _supervised_predictions.add(self)
        try:
            yield
        except (ConnectionFailed, ResponseError) as error:
            error.prediction = self
            if not deadline.expired:
                raise
            timeout = outcomes.timeout_error(self, self._context.polling, deadline)
            timeout.prediction = self
            raise timeout from error
        except ReplicateError as error:
            error.prediction = self
            raise
        except BaseException as leaving:
            # A forked child that ends is not its parent leaving.
            if cancel and os.getpid() == process:
                self.abandon()
            message = outcomes.describe_abandoned(self, cancel=cancel)
            Interruption(message, self).attach_to(leaving)
            raise
        finally:
            _supervised_predictions.discard(self)

    def _new_events(self, transcript: Transcript, deadline: Deadline) -> Iterator[Event]:
        """Read the stream, poll, and read again, until the text is complete.

        As long as text arrives, the polling attempts start afresh.
        """
        downloader = self._context.transport.downloader
        stream = EventStream(self._stream_url, downloader, deadline)
        polling = self._context.polling
        polls = polling.polls(
            stream.pause_between_connections, deadline, lambda: not stream.is_reliable
        )
        known_length = 0
        if transcript.is_lost and stream.is_worthwhile and not self.ended:
            yield from self._join(transcript, deadline)
        while not self.ended:
            if stream.is_worthwhile:
                yield from self._read_stream(stream, transcript, deadline)
                if stream.end in _ENDS_WITHOUT_SUCCESS:
                    raise self._announced_error(stream, deadline)
                if stream.end == "":
                    if transcript.is_unbroken or self._confirms(transcript, deadline):
                        return
                    continue
            if transcript.length > known_length:
                polls.renew()
                known_length = transcript.length
            if next(polls, None) is None:
                raise outcomes.timeout_error(self, polling, deadline)
            yield from self._polled_events(transcript, deadline)
        yield from self._rest_of_output(transcript)
        self._raise_unless_succeeded()

    def _join(self, transcript: Transcript, deadline: Deadline) -> Iterator[Event]:
        """Yield the output so far, before a stream is opened that is not new."""
        yield from self._polled_events(transcript, deadline)
        if self.status == "starting":
            transcript.begin()

    def _polled_events(self, transcript: Transcript, deadline: Deadline) -> Iterator[Event]:
        """Poll, and yield what is new in the output of a prediction that goes on."""
        self._poll(deadline)
        if not self.ended:
            new = transcript.add_output(self.output, is_final=False)
            if new:
                yield Event("output", new, transcript.last_id)

    def _read_stream(
        self, stream: EventStream, transcript: Transcript, deadline: Deadline
    ) -> Iterator[Event]:
        """Yield the events of one connection to the stream, with what is new in each.

        Where it is not known where its pieces belong, they only say when a poll is worthwhile.
        """
        transcript.reconnect()
        stream.last_id = transcript.last_id
        next_poll_at = 0.0
        timeout = min(self._context.transport.timeout, _STREAM_TIMEOUT)
        with closing(stream.outputs(timeout)) as events:
            for event in events:
                text = transcript.add_event(event.data, event.id, has_own_id=event.own_id)
                if text:
                    stream.note_news()
                    yield event if text == event.data else event._replace(data=text)
                elif not event.data and not transcript.is_lost:
                    yield event
                elif transcript.is_lost and monotonic() >= next_poll_at:
                    for polled in self._polled_events(transcript, deadline):
                        stream.note_news()
                        yield polled
                    if self.ended:
                        return
                    next_poll_at = monotonic() + _DOUBT_INTERVAL

    def _confirms(self, transcript: Transcript, deadline: Deadline) -> bool:
        """Return whether the text is whole although no poll shows yet that the model has ended.

        Where pieces of a stream were left out, only the whole output can tell.
        """
        if transcript.is_lost:
            return False
        for pause in _CONFIRMING_PAUSES:
            deadline.sleep(pause)
            try:
                self._poll(deadline)
            except (ConnectionFailed, ResponseError) as error:
                _log.debug("prediction %s ended, and could not be polled: %s", self.id, error)
                break
            if self.ended:
                return False
        return transcript.is_confirmed_by(self.output)

    def _rest_of_output(self, transcript: Transcript) -> Iterator[Event]:
        """Yield what the output of an ended prediction adds to the text so far."""
        has_succeeded = self.status == "succeeded"
        if self.output is None:
            if has_succeeded and (transcript.length or self.data_removed):
                reason = "succeeded, but the API no longer has its output to compare with"
                raise outcomes.stream_error(self, transcript.text, reason)
            return
        new = transcript.add_output(self.output, is_final=True)
        if new:
            yield Event("output", new, transcript.last_id)
        if new is None and has_succeeded:
            reason = (
                "succeeded with an output that is not what the stream brought; "
                ".prediction.output has it"
            )
            raise outcomes.stream_error(self, transcript.text, reason)

    def _raise_unless_succeeded(self) -> None:
        error = outcomes.error_for_outcome(self, self._context.transport.redact)
        if error is not None:
            error.prediction = self
            raise error

    def _announced_error(self, stream: EventStream, deadline: Deadline) -> PredictionError:
        """Return the error for an end that the stream announced; the logs are polled for."""
        try:
            self._poll(deadline)
        except ReplicateError as error:
            _log.debug("prediction %s ended, and could not be polled: %s", self.id, error)
        redact = self._context.transport.redact
        if stream.end == "error":
            return outcomes.failed_error(self, self.error or stream.error, redact)
        return outcomes.canceled_error(self, redact)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from ..display import gallery, html, notebook  # late, as only a notebook needs them

        transport = self._context.transport
        bundle = {"text/plain": transport.redact(html.prediction_text(self))}
        if notebook.is_text_only():
            return bundle
        urls = file_urls(self.output, transport.displayed_url)
        media = gallery.embed([FileOutput(url, transport.downloader) for url in urls])
        return {**bundle, "text/html": transport.redact(html.prediction_html(self, media))}

    def __repr__(self) -> str:
        return f"<{outcomes.describe(self)}: {self.status}>"


# What is waited for or streamed now, and is to be canceled when the program ends.
_supervised_predictions: WeakSet[Prediction] = WeakSet()
if hasattr(os, "register_at_fork"):
    # What the parent supervises is not the child's to cancel.
    os.register_at_fork(after_in_child=_supervised_predictions.clear)


@atexit.register
def _abandon_all() -> None:
    end = monotonic() + EXIT_TIMEOUT
    for prediction in list(_supervised_predictions):
        if monotonic() < end:
            prediction.abandon()
