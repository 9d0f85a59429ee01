"""A prediction: a model at work, that can be waited for, listened to and canceled."""

from __future__ import annotations

import atexit
import json
import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote
from weakref import WeakSet

from . import bars, verdicts
from .deadlines import NEVER, Deadline
from .errors import ConnectionFailed, PredictionError, ReplicateError, ResponseError, quoted, stopped
from .files import FileOutput
from .listening import Listener
from .logs import Progress
from .outputs import file_urls
from .polling import Polling
from .transcript import Transcript, as_text
from .transport import Transport

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})

_TEXTS = ("model", "version", "created_at", "started_at", "completed_at")
_OBJECTS = ("input", "metrics", "urls")
_ENDINGS = frozenset({"error", "canceled"})  # what a stream may announce besides success
_IN_SIGHT = 1.0  # seconds between two looks at what somebody watches
_SILENCE = 45.0  # seconds without an event after which a stream is doubted; Replicate itself closes one after 30
LAST = 1.5  # seconds that all canceling may take when the program ends
PARTING = 1.0  # seconds that canceling may take when the caller is on the way out

_Run = TypeVar("_Run", bound="Prediction")
_log = logging.getLogger("replicate_sync")


class Prediction:
    """One run of a model, as the API last described it. Its repr does no I/O.

    `id`, `status` ("starting", "processing", "succeeded", "failed", "canceled" or "aborted"), `model`, `version`, `input`,
    `output` (the JSON value), `error`, `logs`, `metrics` (seconds and counts), `urls`, `created_at`, `started_at`,
    `completed_at`; `raw` is the whole of it. https://replicate.com/docs/reference/http#predictions.get
    """

    noun = "Prediction"
    collection = "predictions"  # of the API, where it is listed and looked at

    raw: dict[str, Any]
    id: str
    status: str
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

    def __init__(self, data: Any, transport: Transport, polling: Polling) -> None:
        self._transport = transport
        self._polling = polling
        self._update(data)

    def _update(self, data: Any) -> None:
        if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not isinstance(data.get("status"), str):
            shown = quoted(self._transport.hide(json.dumps(data)))
            raise ResponseError(
                f"The API's answer is not a {self.noun.lower()} with an id and a status: {shown}. Check base_url."
            )
        self.raw = data
        self.id, self.status = data["id"], data["status"]
        self.output = data.get("output")
        for name in _TEXTS:
            setattr(self, name, text if isinstance(text := data.get(name), str) else None)
        for name in _OBJECTS:
            setattr(self, name, found if isinstance(found := data.get(name), dict) else {})
        error, logs = data.get("error"), data.get("logs")
        self.error = error if error is None or isinstance(error, str) else json.dumps(error)
        self.logs = logs if isinstance(logs, str) else ""
        self.data_removed = bool(data.get("data_removed"))

    @property
    def ended(self) -> bool:
        """Whether the status is a final one."""
        return self.status in TERMINAL

    @property
    def _stream_url(self) -> str | None:
        url = self.urls.get("stream")
        return url if isinstance(url, str) else None

    @property
    def progress(self) -> Progress | None:
        """How far it is, by the last progress bar in its logs; None where there is none."""
        return Progress.of(self.logs)

    @property
    def predict_time(self) -> float | None:
        """The seconds that the model ran, which is what is billed; None as long as that is not known."""
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
        found = (self.metrics.get(name) for name in names)
        return next((value for value in found if isinstance(value, int | float)), None)

    @property
    def _path(self) -> str:
        return f"/{self.collection}/{quote(self.id, safe='')}"

    def reload(self: _Run) -> _Run:
        """Look at the prediction again, and give it."""
        self._look(NEVER)
        return self

    def _look(self, deadline: Deadline) -> None:
        self._update(self._transport.request("GET", self._path, deadline=deadline))

    def take(self, data: Any) -> None:
        """Take over what another process saw of this prediction."""
        self._update(data)

    def cancel(self: _Run) -> _Run:
        """Stop the prediction, and give it as the API then describes it. One that has ended stays as it is.

        https://replicate.com/docs/reference/http#predictions.cancel
        """
        self._update(self._transport.request("POST", f"{self._path}/cancel"))
        return self

    def wait(
        self: _Run,
        *,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        progress: bool = False,
    ) -> _Run:
        """Block until the prediction has succeeded, and give it.

        It is looked at as the client's `Polling` says; between two looks its event stream, where it has one, is listened
        to, so that the end is known when it happens. `deadline`: the seconds that all of it may take. Interrupted
        (Ctrl-C, a stopped cell, the program's end), it is canceled, unless `cancel_on_exit=False`. `progress`: show a bar
        with the status and the model's own percentage, looked at every second (needs the extra "progress").

        Raises PredictionFailed, PredictionCanceled; PredictionTimeout when the looks or the time are used up, with the
        prediction running on; ConnectionFailed or ResponseError when it cannot be looked at. Each has `.prediction`.
        """
        every = _IN_SIGHT if progress else None
        looks = self.events(deadline=deadline, cancel_on_exit=cancel_on_exit, every=every)
        for _ in bars.watched(looks, self, self.model or self.id) if progress else looks:
            pass
        return self

    def events(
        self: _Run,
        *,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        every: float | None = None,
    ) -> Generator[_Run, None, None]:
        """Yield the prediction after each look at it, until it has succeeded: `wait` is this generator, drained.

        `every`: look at least so often, in seconds, where the client's `Polling` would look more seldom. Closed or
        interrupted before its end, the prediction is canceled, unless `cancel_on_exit=False`. Raises as `wait`.
        """
        limit = Deadline.of(deadline)
        with self._minded(limit, cancel_on_exit):
            polling = self._polling if every is None else self._polling.closer(every)
            for _ in polling.looks(Listener(self._stream_url, self._transport, limit).listen, limit):
                if not self.ended:
                    self._look(limit)
                yield self
                if self.ended:
                    self._raise_unless_succeeded()
                    return
            raise verdicts.unended(self, self._polling, limit)

    def stream(self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True) -> Generator[str, None, None]:
        """Yield the model's text as it is written, exactly: nothing lost or repeated over a broken connection.

        `deadline`: the seconds that all of it may take. Closed or interrupted before its end, the prediction is canceled,
        unless `cancel_on_exit=False`.

        Raises PredictionFailed, PredictionCanceled, PredictionTimeout as `wait` does; StreamError, with the text so far,
        where the stream broke and the rest could not be had. https://replicate.com/docs/topics/predictions/streaming
        """
        told, limit = Transcript(), Deadline.of(deadline)
        with self._minded(limit, cancel_on_exit):
            try:
                yield from self._told(told, limit)
            except (ConnectionFailed, ResponseError) as fault:
                if limit.passed:
                    raise
                raise verdicts.broken(self, told.text, f"could not be looked at: {fault}") from fault

    @contextmanager
    def _minded(self, limit: Deadline, cancel: bool) -> Iterator[None]:
        """Let no error go without its prediction, and cancel what its caller walks away from."""
        process = os.getpid()
        if cancel:
            _minded.add(self)
        try:
            yield
        except (ConnectionFailed, ResponseError) as fault:
            fault.prediction = self
            if not limit.passed:
                raise
            raise verdicts.unended(self, self._polling, limit) from fault
        except ReplicateError as error:
            error.prediction = self
            raise
        except BaseException as leaving:
            if cancel and os.getpid() == process:  # a forked child that ends is not its parent leaving
                self.abandon()
            stopped(leaving, verdicts.aftermath(self, cancel))
            raise
        finally:
            _minded.discard(self)

    def _told(self, told: Transcript, limit: Deadline) -> Iterator[str]:
        """Listen, look, and listen again, until all is told. As long as text comes, the looks start afresh."""
        listener = Listener(self._stream_url, self._transport, limit)
        looks, progress = self._polling.looks(listener.rest, limit), 0
        while not self.ended:
            if listener.worthwhile:
                yield from self._heard(listener, told)
                if listener.end in _ENDINGS:
                    raise self._announced(listener)
                if listener.end == "":
                    if told.unbroken or self._well_told(told):
                        return
                    continue
            if told.length > progress:
                looks, progress = self._polling.looks(listener.rest, limit), told.length
            if next(looks, None) is None:
                raise verdicts.unended(self, self._polling, limit)
            self._look(limit)
            if not self.ended and (more := told.read(as_text(self.output) or "", final=False)):
                yield more
        yield from self._rest(told)
        self._raise_unless_succeeded()

    def _heard(self, listener: Listener, told: Transcript) -> Iterator[str]:
        """Yield what is new in one connection to the stream."""
        told.reconnect()
        listener.last_id = told.last_id
        for event in listener.outputs(min(self._transport.timeout, _SILENCE)):
            if text := told.hear(event.data, event.id, own=event.own_id):
                listener.news()
                yield text
            if told.lost:
                listener.give_up()
                return

    def _well_told(self, told: Transcript) -> bool:
        """Whether a stream that broke, was taken up again and came to its end needs no more looking.

        Where the pieces had their places by guess, only the whole output can tell; else it must not contradict.
        """
        try:
            self.reload()
        except (ConnectionFailed, ResponseError) as fault:
            _log.debug("prediction %s ended, and could not be looked at: %s", self.id, fault)
        if self.ended or told.undecided or not told.certain:
            return False
        return told.text.startswith(as_text(self.output) or "")

    def _rest(self, told: Transcript) -> Iterator[str]:
        """Yield what the output of an ended prediction adds to what was told."""
        truth = as_text(self.output)
        if truth is None:
            if self.status == "succeeded" and (told.length or self.data_removed):
                raise verdicts.broken(self, told.text, "succeeded, but the API no longer has its output to compare with")
            return
        more = told.read(truth, final=True)
        if more:
            yield more
        if more is None and self.status == "succeeded":
            raise verdicts.broken(
                self, told.text, "succeeded with an output that is not what the stream told; .prediction.output has it"
            )

    def _raise_unless_succeeded(self) -> None:
        if error := verdicts.of(self, self._transport.hide):
            raise error

    def _announced(self, listener: Listener) -> PredictionError:
        """The error for an end that the stream announced; the API is asked for the logs, and need not answer."""
        try:
            self.reload()
        except ReplicateError as fault:
            _log.debug("prediction %s ended, and could not be looked at: %s", self.id, fault)
        hide = self._transport.hide
        failed = listener.end == "error"
        return verdicts.failed(self, self.error or listener.error, hide) if failed else verdicts.canceled(self, hide)

    def abandon(self) -> None:
        """Cancel the prediction on the way out: within a second, and without an error where that fails."""
        if self.ended:
            return
        try:
            self._update(self._transport.request("POST", f"{self._path}/cancel", parting=PARTING))
        except ReplicateError as fault:
            _log.warning("prediction %s could not be canceled and may still run: %s", quoted(self.id), fault)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from . import display  # late, as only a notebook needs it

        found = (FileOutput(url, self._transport.download) for url in file_urls(self.output, self._transport.shown))
        media = [display.medium(file.mime_type, file.name, file.url) for file in found]
        hide = self._transport.hide
        return {"text/plain": hide(display.plain(self)), "text/html": hide(display.html(self, media))}

    def __repr__(self) -> str:
        return f"<{verdicts.named(self)}: {self.status}>"


_minded: WeakSet[Prediction] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_minded.clear)  # what the parent minds is not the child's to cancel


@atexit.register
def _abandon_all() -> None:
    """Cancel what is still waited for or listened to when the program ends."""
    until = monotonic() + LAST
    for prediction in list(_minded):
        if monotonic() < until:
            prediction.abandon()
