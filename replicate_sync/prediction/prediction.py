"""A prediction: one run of a model, which can be waited for, streamed and canceled."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from operator import attrgetter
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeVar

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import (
    ConnectionFailed,
    Interruption,
    NotFoundError,
    ReplicateError,
    ResponseError,
    excerpt,
)
from ..payloads.output_urls import file_urls, needs_schema
from . import outcomes
from .creation import Creation
from .fields import PredictionFields
from .leaving import CANCEL_TIMEOUT, cancel_in_time
from .observation import Observation
from .outcomes import TERMINAL_STATUSES

if TYPE_CHECKING:
    from ..payloads.file_output import FileOutput
    from ..payloads.result_files import Saver
    from ..sse import Event
    from .context import Context

_DISPLAY_INTERVAL = 1.0  # seconds between two polls of what somebody watches
# Seconds in which a stream that is opened is at its beginning: after a create was sent, and after
# its response has arrived.
_NEW = 2.0
_JUST_ARRIVED = 0.5
# Seconds after its creation for which a prediction that is not found is asked for again.
_UNKNOWN_FOR = 10.0
_PAUSE_WHILE_NEW = 0.25  # seconds

_Self = TypeVar("_Self", bound="Prediction")
_Item = TypeVar("_Item")
_log = logging.getLogger("replicate_sync")


class Prediction(PredictionFields):
    """One run of a model, as the API last described it; its fields are `PredictionFields`.

    Its repr sends no request. See https://replicate.com/docs/reference/http#predictions.get

    Examples:
        >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
        >>> prediction.wait().output
        'hello Alice'
    """

    #: Its create, where this process has sent it, or waits for it.
    creation: Creation[Any] | None = None

    _new_until = 0.0  # by time.monotonic
    _unknown_until = 0.0  # in seconds since 1970, as it may travel to another process

    def mark_created(self, sent_at: float) -> None:
        """Note that it has been created just now: the API may not know it yet.

        Args:
            sent_at: When that was asked for, by `time.monotonic`. The response may have been held
                back meanwhile, and the model may have written something.
        """
        self._new_until = min(sent_at + _NEW, monotonic() + _JUST_ARRIVED)
        self._unknown_until = time() + _UNKNOWN_FOR
        if self._observation is None:
            self._observation = Observation(self, self._context, is_new=True)

    @property
    def _is_new(self) -> bool:
        """Whether it was created just now, and has not written anything."""
        return monotonic() <= self._new_until and not self.output

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

        Returns:
            This prediction, with its newest fields.

        Raises:
            ConnectionFailed: There was no response.
            ResponseError: The response is not the prediction.

        Examples:
            >>> prediction = client.predictions.create("local/slow", {"seconds": 0})
            >>> while not prediction.ended:
            ...     prediction = prediction.reload()
            >>> prediction.status
            'succeeded'
        """
        self._poll(NO_DEADLINE)
        return self

    def _poll(self, deadline: Deadline) -> None:
        """Poll once. The API may not know yet what it has just created."""
        while True:
            try:
                self._context.transport.request(
                    "GET", self._path, deadline=deadline, build=self.update
                )
                return
            except NotFoundError:
                if not 0 < self._unknown_until - time() <= _UNKNOWN_FOR or deadline.expired:
                    raise
            deadline.sleep(_PAUSE_WHILE_NEW)

    def cancel(self: _Self) -> _Self:
        """Cancel the prediction, and return it. One that has ended stays as it is.

        See https://replicate.com/docs/reference/http#predictions.cancel

        Returns:
            This prediction; its status may become "canceled" only some time later.

        Raises:
            ConnectionFailed: There was no response.
            ResponseError: The API refused.

        Examples:
            >>> prediction = client.predictions.create("local/slow", {"seconds": 60})
            >>> prediction.cancel().status
            'canceled'
        """
        return self._context.transport.request("POST", f"{self._path}/cancel", build=self.update)

    def abandon(self, seconds: float = CANCEL_TIMEOUT) -> None:
        """Cancel the prediction because nobody waits for it: in time, never an error.

        Args:
            seconds: How long it may take. Until then it is tried again after a passing failure.

        Examples:
            >>> prediction = client.predictions.create("local/slow", {"seconds": 60})
            >>> prediction.abandon(1)
            >>> prediction.reload().status
            'canceled'
        """
        if self.ended:
            return

        def cancel(seconds: float) -> None:
            self._context.transport.request(
                "POST", f"{self._path}/cancel", single_attempt=seconds, build=self.update
            )

        error = cancel_in_time(cancel, seconds)
        if error is not None:
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

        Examples:
            >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> prediction.result()
            'hello Alice'
        """
        limit = Deadline.of(deadline)
        if self.status != "succeeded":
            self.wait(deadline=limit, cancel_on_exit=cancel_on_exit)
        return self.parse_output(deadline=limit)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Wait for the result, save its files in a folder, and return their paths.

        Args:
            folder: It is made where it does not exist. The files are named "<number>-<name>"; none
                takes the place of another.

        Returns:
            The paths of the files, in the order of the output; [] where it has none.

        Raises:
            PredictionError: As `wait` does.
            ReplicateError: A file could not be downloaded, or not be written.

        Examples:
            >>> flux = "black-forest-labs/flux-schnell"
            >>> prediction = client.predictions.create(flux, {"prompt": "a lighthouse"})
            >>> [path] = prediction.save("pictures")
            >>> path.name
            '0-out-0.webp'
        """
        from ..payloads.result_files import Saver, find_files  # late, as few save anything

        saver = Saver(folder)
        files = find_files(self.result())
        self.save_files(files, saver)
        return [file.path for file in files if file.path is not None]

    def save_files(
        self,
        files: Sequence[FileOutput],
        saver: Saver,
        prefix: str | None = None,
        known: Sequence[str] = (),
        deadline: Deadline = NO_DEADLINE,
    ) -> None:
        """Save the files of its result, and report each as an event.

        Args:
            files: The files, in their order.
            saver: Saves them.
            prefix: As for `Saver.save`; likewise `known`.
            known: See there.
            deadline: The deadline of the call.

        Raises:
            ReplicateError: A file could not be downloaded, or not be written.
        """
        try:
            saver.save(files, prefix, known, self._note_saved, deadline)
        except ReplicateError as error:
            error.prediction = self
            raise

    def _note_saved(self, path: Path) -> None:
        observation = self._observation or Observation(self, self._context, is_new=False)
        observation.note_saved(self, str(path))

    def parse_output(self, *, deadline: Deadline = NO_DEADLINE) -> Any:
        """Return the output so far as `result` returns it, whatever the status is.

        Args:
            deadline: The deadline of the call, in which the model's schema may be fetched.

        Raises:
            ConnectionFailed: The schema cannot be fetched; likewise ResponseError.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> prediction.parse_output()
            'hello Alice'
        """
        output = self.output
        if output is self._plain_output or not needs_schema(output):
            return output
        from ..payloads.outputs import parse_output  # late, as a text needs none of it

        schema = self._context.schemas.for_output(self.model, self.version, deadline)
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

        Returns:
            This prediction, whose output `result()` returns.

        Raises:
            PredictionFailed: The model failed.
            PredictionCanceled: It was canceled.
            PredictionTimeout: The attempts or the time are used up; it is still running.
            ConnectionFailed: It could not be polled; likewise ResponseError.

        Examples:
            >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> prediction.wait(deadline=60).status
            'succeeded'
        """
        limit = NO_DEADLINE
        try:
            limit = Deadline.of(deadline)
            if self.status == "succeeded" and not progress:
                return self
            if self.ended and not progress:
                self.raise_unless_succeeded()
                return self
            creation = self.creation or self._take_over()
            creation.supervise(cancel=cancel_on_exit)
            interval = _DISPLAY_INTERVAL if progress else None
            with closing(self._polls(limit, interval)) as polls:
                displayed: Iterator[Prediction] = polls
                if progress:
                    from ..display.progress import prediction_progress  # late, as few ask

                    name = self.model or self.id
                    listening = self._context.events.listening
                    displayed = prediction_progress(polls, self, name, listening)
                for _ in displayed:
                    pass
            creation.release(has_ended=self.status in TERMINAL_STATUSES)
            return self
        except BaseException as error:
            raise self._left(error, limit, cancel_on_exit)  # noqa: B904  # it is the same one

    def events(
        self: _Self,
        *,
        deadline: float | Deadline | None = None,
        cancel_on_exit: bool = True,
        every: float | None = None,
    ) -> Generator[_Self, None, None]:
        """Yield the prediction after each poll, until it has succeeded.

        Args:
            deadline: The seconds that all of it may take, from the first `next()` on.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.
            every: The longest polling interval in seconds, if the client's is longer.

        Yields:
            This prediction, updated.

        Raises:
            PredictionError: As `wait` does.

        Examples:
            >>> prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
            >>> [update.status for update in prediction.events()][-1]
            'succeeded'
        """
        limit = NO_DEADLINE
        try:
            limit = Deadline.of(deadline)
            creation = self.creation or self._take_over()
            creation.supervise(cancel=cancel_on_exit)
            with closing(self._polls(limit, every)) as polls:
                yield from polls
            creation.release(has_ended=self.status in TERMINAL_STATUSES)
        except BaseException as error:
            raise self._left(error, limit, cancel_on_exit)  # noqa: B904

    def _polls(
        self: _Self, deadline: Deadline, every: float | None
    ) -> Generator[_Self, None, None]:
        from .event_stream import EventStream  # late, as many predictions have ended when created

        polling = self._context.polling
        if every is not None:
            polling = polling.at_least_every(every)
        stream = EventStream(self._stream_url, self._context.transport.downloader, deadline)
        polls = polling.polls(
            stream.pause, deadline, lambda: not stream.is_reliable, is_new=self._is_new
        )
        for _ in polls:
            if not self.ended:
                self._poll(deadline)
            yield self
            if self.ended:
                self.raise_unless_succeeded()
                return
        raise outcomes.timeout_error(self, self._context.polling, deadline)

    def stream(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Generator[str, None, None]:
        """Yield the model's text as it is written; nothing is lost or repeated by a reconnect.

        See https://replicate.com/docs/topics/predictions/streaming

        Args:
            deadline: The seconds that all of it may take, from the first `next()` on.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Pieces of the text.

        Raises:
            PredictionError: As `wait` does.
            StreamError: The stream broke and could not be resumed; `.text` has the text so far.

        Examples:
            >>> client.server.script("me/poet", tokens=["A ", "river."])
            >>> prediction = client.predictions.create("me/poet")
            >>> list(prediction.stream())
            ['A ', 'river.']
        """
        return self._stream(attrgetter("data"), deadline, cancel_on_exit)

    def stream_events(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Generator[Event, None, None]:
        """Yield the output events of the stream, with the text of each that is new.

        It is `stream` for those who want the ids too, or the pieces without text. What had to be
        polled for is an event with the id of the one before it.

        Args:
            deadline: The seconds that all of it may take, from the first `next()` on.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Events named "output".

        Raises:
            PredictionError: As `stream` does; likewise StreamError.

        Examples:
            >>> client.server.script("me/poet", tokens=["A ", "river."])
            >>> prediction = client.predictions.create("me/poet")
            >>> [event.data for event in prediction.stream_events()]
            ['A ', 'river.']
        """
        return self._stream(None, deadline, cancel_on_exit)

    def _stream(
        self,
        pick: Callable[[Event], _Item] | None,
        deadline: float | Deadline | None,
        cancel_on_exit: bool,
    ) -> Generator[_Item, None, None]:
        """Yield what is picked of each output event, unless it is empty; or else the event."""
        limit = NO_DEADLINE
        is_late = not self._is_new
        try:
            # Late, as programs that do not stream need none of it.
            from .text_stream import TextStream
            from .transcript import Transcript

            transcript = Transcript(is_late=is_late)
            limit = Deadline.of(deadline)
            creation = self.creation or self._take_over()
            creation.supervise(cancel=cancel_on_exit)
            self._new_until = 0.0
            texts = TextStream(self, self._context, self._stream_url, self._poll)
            observation = self._observation
            with closing(texts.events(transcript, limit)) as arriving:
                for events in arriving:
                    for event in events:
                        item = event if pick is None else pick(event)
                        if not item:
                            continue
                        if observation is not None:
                            observation.note_text(self)
                            observation = None
                        yield item  # type: ignore[misc]  # an event, where nothing is picked
            if self.status not in TERMINAL_STATUSES:
                self._note_streamed()
            creation.release(has_ended=self.status in TERMINAL_STATUSES)
        except (ConnectionFailed, ResponseError) as error:
            failure = self._left(error, limit, cancel_on_exit)
            if failure is error:
                reason = f"could not be polled: {error}"
                failure = outcomes.stream_error(self, transcript.text, reason)
                failure.prediction = self
                failure.__cause__ = error
            raise failure  # noqa: B904
        except BaseException as error:
            raise self._left(error, limit, cancel_on_exit)  # noqa: B904

    def _note_streamed(self) -> None:
        """Have the metrics of what has been streamed to its end: now for who listens, or later."""
        if not self._context.events.listeners:
            # It may be held for long, and so without what may be large.
            short = {**self.raw, "input": {}, "output": None, "logs": ""}
            self._context.usage.unseen.append(partial(_count, type(self), short, self._context))
            return
        try:
            self.reload()
        except ReplicateError as error:
            _log.debug("prediction %s ended, and could not be polled: %s", self.id, error)

    def _take_over(self) -> Creation[Any]:
        """Return the state of a prediction that this process has not created itself."""
        if self._observation is None:
            self._observation = Observation(self, self._context, is_new=False)
        return Creation.of(self, self._context.transport.clock)

    def _left(self, error: BaseException, deadline: Deadline, cancel: bool) -> BaseException:
        """Return what to raise instead of an error that ends a wait: often the error itself.

        It carries this prediction, which is canceled where its caller leaves.
        """
        if not isinstance(error, ReplicateError):
            self.leave(error, cancel=cancel)
            return error
        error.prediction = self
        if self.creation is not None:
            self.creation.release(has_ended=self.status in TERMINAL_STATUSES)
        if not isinstance(error, ConnectionFailed | ResponseError) or not deadline.expired:
            return error
        timeout = outcomes.timeout_error(self, self._context.polling, deadline)
        timeout.prediction = self
        timeout.__cause__ = error
        return timeout

    def leave(self, leaving: BaseException, *, cancel: bool) -> None:
        """Cancel the prediction, as its caller leaves, and say in the interrupt what became of it.

        Args:
            leaving: The interrupt.
            cancel: Whether to cancel it.
        """
        creation = self.creation
        is_left = False
        if creation is not None:
            if not creation.is_ours:
                return  # a forked child that ends is not its parent leaving
            creation.release(has_ended=self.status in TERMINAL_STATUSES)
            is_left = creation.state == "abandoned"
            creation.state = "finished" if self.ended else "abandoned"
        try:
            if cancel and not is_left:
                self.abandon()
        except BaseException as again:  # interrupted once more
            self._interruption(cancel).attach_to(again)
            raise
        self._interruption(cancel).attach_to(leaving)

    def _interruption(self, cancel: bool) -> Interruption:
        return Interruption(outcomes.describe_abandoned(self, cancel=cancel), self)

    def raise_unless_succeeded(self) -> None:
        """Raise how the prediction ended, if that was without success.

        Raises:
            PredictionFailed: The model failed.
            PredictionCanceled: It was canceled, or aborted.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> prediction.raise_unless_succeeded()  # nothing is raised
        """
        error = outcomes.error_for_outcome(self, self._context.transport.redact)
        if error is not None:
            error.prediction = self
            raise error

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from ..display import gallery, html, notebook  # late, as only a notebook needs them
        from ..payloads.file_output import FileOutput

        transport = self._context.transport
        bundle = {"text/plain": transport.redact(html.prediction_text(self))}
        if notebook.is_text_only():
            return bundle
        urls = file_urls(self.output, transport.displayed_url)
        media = gallery.embed([FileOutput(url, transport.downloader) for url in urls])
        return {**bundle, "text/html": transport.redact(html.prediction_html(self, media))}

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # They are of this process, and of the clock of this machine since it was started.
        state.pop("creation", None)
        state.pop("_new_until", None)
        return state

    def __repr__(self) -> str:
        return f"<{outcomes.describe(self)}: {self.status}>"


def _count(kind: type[Prediction], data: dict[str, Any], context: Context) -> None:
    """Add what a prediction that has ended has used, by its metrics, which are fetched."""
    prediction = kind(data, context)
    prediction._observation = Observation(prediction, context, is_new=False)
    try:
        prediction.reload()
    except ReplicateError as error:
        _log.warning("the metrics of %s could not be fetched: %s", prediction.id, error)
        context.usage.add(prediction)
