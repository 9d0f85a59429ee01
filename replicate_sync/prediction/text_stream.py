"""A prediction's text as it is written: its event stream, polls, and the output at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING

from ..deadline import Deadline
from ..exceptions import ConnectionFailed, PredictionError, ReplicateError, ResponseError
from ..sse import Event
from . import outcomes
from .context import Context
from .event_stream import EventStream
from .transcript import Transcript

if TYPE_CHECKING:
    from .prediction import Prediction

_ENDS_WITHOUT_SUCCESS = frozenset({"error", "canceled"})
# Seconds without an event after which a stream is doubted; Replicate closes one after 30.
_STREAM_TIMEOUT = 45.0
_DOUBT_INTERVAL = 0.5  # seconds between polls while a stream brings what may belong anywhere
# Seconds before each poll for the end that a stream has announced. An API that does not show it
# even then is believed to be late, as long as what it shows does not contradict the text.
_CONFIRMING_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)

_log = logging.getLogger("replicate_sync")


class TextStream:
    """Reads a prediction's text once: nothing is lost or repeated by a reconnect.

    Args:
        prediction: The prediction.
        context: The client's.
        url: The URL of its event stream, or None.
        poll: Polls the prediction once, before a deadline.
    """

    def __init__(
        self,
        prediction: Prediction,
        context: Context,
        url: str | None,
        poll: Callable[[Deadline], None],
    ) -> None:
        self._prediction = prediction
        self._context = context
        self._url = url
        self._poll = poll

    def events(
        self, transcript: Transcript, deadline: Deadline
    ) -> Generator[Sequence[Event], None, None]:
        """Yield the output events: read the stream, poll, and read again, until all is there.

        Those that have arrived together are yielded together. As long as text arrives, the polling
        attempts start afresh.

        Args:
            transcript: Gets the text.
            deadline: The deadline of the call.

        Raises:
            PredictionError: The prediction did not succeed, or not in time.
            StreamError: The stream broke and could not be resumed.
            ConnectionFailed: It could not be polled; likewise ResponseError.
        """
        downloader = self._context.transport.downloader
        stream = EventStream(self._url, downloader, deadline)
        polling = self._context.polling
        is_late = not transcript.is_unbroken
        polls = polling.polls(
            stream.pause_between_connections,
            deadline,
            lambda: not stream.is_reliable,
            is_new=not is_late and not self._url,
        )
        known_length = 0
        if is_late and stream.is_worthwhile and not self._prediction.ended:
            yield from self._polled_events(transcript, deadline)
        while not self._prediction.ended:
            if stream.is_worthwhile:
                with closing(self._read_stream(stream, transcript, deadline)) as events:
                    yield from events
                if stream.end in _ENDS_WITHOUT_SUCCESS:
                    raise self._announced_error(stream, deadline)
                if stream.end == "":
                    if transcript.is_unbroken or (yield from self._confirm(transcript, deadline)):
                        return
                    continue
            if transcript.length > known_length:
                polls.renew()
                known_length = transcript.length
            if next(polls, None) is None:
                raise outcomes.timeout_error(self._prediction, polling, deadline)
            yield from self._polled_events(transcript, deadline)
        yield from self._rest_of_output(transcript)
        self._prediction.raise_unless_succeeded()

    def _polled_events(
        self, transcript: Transcript, deadline: Deadline
    ) -> Generator[Sequence[Event], None, None]:
        """Poll, and yield what is new in the output of a prediction that goes on."""
        self._poll(deadline)
        if not self._prediction.ended:
            new = transcript.add_output(self._prediction.output, is_final=False)
            if new:
                yield [Event("output", new, transcript.last_id)]

    def _read_stream(
        self, stream: EventStream, transcript: Transcript, deadline: Deadline
    ) -> Generator[Sequence[Event], None, None]:
        """Yield the events of one connection to the stream, with what is new in each.

        Where it is not known where its pieces belong, they only say when a poll is worthwhile.
        """
        transcript.reconnect(is_written=self._prediction.status != "starting")
        stream.last_id = transcript.last_id
        next_poll_at = 0.0
        timeout = min(self._context.transport.timeout, _STREAM_TIMEOUT)
        with closing(stream.outputs(timeout)) as arriving:
            for arrived in arriving:
                known_length = transcript.length
                new = transcript.add_events(arrived)
                if transcript.length > known_length:
                    stream.has_news = True
                if new:
                    yield new
                is_all_new = len(new) == len(arrived)
                if not is_all_new and transcript.is_lost and monotonic() >= next_poll_at:
                    for polled in self._polled_events(transcript, deadline):
                        stream.has_news = True
                        yield polled
                    if self._prediction.ended:
                        return
                    next_poll_at = monotonic() + _DOUBT_INTERVAL

    def _confirm(
        self, transcript: Transcript, deadline: Deadline
    ) -> Generator[Sequence[Event], None, bool]:
        """Poll for the end that a stream has announced; yield the rest where no poll shows it.

        Returns:
            Whether the text is whole. If not, the whole output has to tell.
        """
        for pause in _CONFIRMING_PAUSES:
            deadline.sleep(pause)
            try:
                self._poll(deadline)
            except (ConnectionFailed, ResponseError) as error:
                _log.debug(
                    "prediction %s ended, and could not be polled: %s", self._prediction.id, error
                )
                break
            if self._prediction.ended:
                return False
        rest = transcript.end(self._prediction.output)
        if rest:
            yield [Event("output", rest, transcript.last_id)]
        return rest is not None

    def _rest_of_output(self, transcript: Transcript) -> Generator[Sequence[Event], None, None]:
        """Yield what the output of an ended prediction adds to the text so far."""
        has_succeeded = self._prediction.status == "succeeded"
        if self._prediction.output is None:
            if has_succeeded and (transcript.length or self._prediction.data_removed):
                reason = "succeeded, but the API no longer has its output to compare with"
                raise outcomes.stream_error(self._prediction, transcript.text, reason)
            return
        new = transcript.add_output(self._prediction.output, is_final=True)
        if new:
            yield [Event("output", new, transcript.last_id)]
        if new is None and has_succeeded:
            reason = (
                "succeeded with an output that is not what the stream brought; "
                ".prediction.output has it"
            )
            raise outcomes.stream_error(self._prediction, transcript.text, reason)

    def _announced_error(self, stream: EventStream, deadline: Deadline) -> PredictionError:
        """Return the error for an end that the stream announced; the logs are polled for."""
        try:
            self._poll(deadline)
        except ReplicateError as error:
            _log.debug(
                "prediction %s ended, and could not be polled: %s", self._prediction.id, error
            )
        redact = self._context.transport.redact
        if stream.end == "error":
            return outcomes.failed_error(
                self._prediction, self._prediction.error or stream.error, redact
            )
        return outcomes.canceled_error(self._prediction, redact)
