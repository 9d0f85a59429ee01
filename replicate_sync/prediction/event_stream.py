"""The event stream of one prediction: opened, reopened, and given up when it is not worth it."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from threading import Event
from time import monotonic

from .. import sse
from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ConnectionFailed, ResponseError
from ..http.download import Downloader

_MAX_FAILURES = 3  # in a row, after which the stream is not opened again
_MIN_DURATION = 1.0  # seconds; a stream that ends sooner, with nothing new, has failed
_FIRST_PAUSE = 0.05  # seconds; after a first poll that does not show an end that was announced
_PAUSE_AFTER_FAILURE = 0.25  # seconds, for each failure in a row
_MIN_TIMEOUT = 0.05  # seconds


class EventStream:
    """Reads a prediction's events; `end` says how the model ended, once that is known.

    See https://replicate.com/docs/topics/predictions/streaming

    Args:
        url: The URL of the stream, or None where there is none.
        downloader: Opens it.
        deadline: The deadline of the call.
    """

    def __init__(
        self, url: str | None, downloader: Downloader, deadline: Deadline = NO_DEADLINE
    ) -> None:
        self._url = url
        self._downloader = downloader
        self._deadline = deadline
        self._failures = 0
        self._next_pause = 0.0
        self._over = Event()
        #: Whether an event of this connection was new: one that only repeats itself has failed.
        self.has_news: bool = False
        #: The last event id, behind which the stream is reopened.
        self.last_id: str = ""
        #: None while the model works; then "" for success, "error", "canceled", or any reason.
        self.end: str | None = None
        #: What the error event said.
        self.error: str | None = None

    @property
    def is_worthwhile(self) -> bool:
        """Whether reading it is likely to bring something."""
        return bool(self._url) and self.end is None and self._failures < _MAX_FAILURES

    @property
    def is_reliable(self) -> bool:
        """Whether it is likely to tell when the model ends, so that no poll need be early."""
        return self.is_worthwhile and not self._failures

    def outputs(self, timeout: float) -> Generator[list[sse.Event], None, None]:
        """Yield the output events of one connection, until it ends, breaks, or is silent.

        What has arrived together is yielded together. A failure is not an error here: it only makes
        the stream less worthwhile.

        Args:
            timeout: The longest time without an output event, in seconds. The timeout of the socket
                is not enough: comments keep a connection open as well.
        """
        assert self._url is not None
        opened_at = monotonic()
        silent_since = opened_at
        self.has_news = False
        is_open = False
        is_broken = False
        timeout = max(_MIN_TIMEOUT, min(timeout, self._deadline.end - opened_at))
        parser = sse.Parser()
        opened = self._downloader.event_stream(
            self._url, timeout=timeout, last_event_id=self.last_id, is_over=self._over.is_set
        )
        try:
            with closing(opened) as chunks:
                for chunk in chunks:
                    if self.end is not None:
                        return
                    is_open = True
                    outputs = self._outputs_in(parser.parse(chunk))
                    if outputs:
                        yield outputs
                        silent_since = monotonic()  # the caller's time is not the stream's
                    now = monotonic()
                    if now - silent_since > timeout or now >= self._deadline.end:
                        break
        except (ConnectionFailed, ResponseError):
            # One that was open, and then only silent for as long as it may be, is none the worse.
            is_broken = not is_open or monotonic() - opened_at < timeout
        lasted = monotonic() - opened_at > _MIN_DURATION
        if self.has_news or (lasted and not is_broken):
            self._failures = 0
        else:
            self._failures += 1

    def _outputs_in(self, events: list[sse.Event]) -> list[sse.Event]:
        """Return the output events among some, and take over the end where it is among them."""
        outputs: list[sse.Event] = []
        for event in events:
            if event.id:
                self.last_id = event.id
            if event.event == "output":
                outputs.append(event)
            elif event.event in ("done", "error"):
                self._parse_end(event)
                break
        return outputs

    def pause_without_reading(self, seconds: float) -> None:
        """Wait for the next poll; only shortly where the end has been announced."""
        if self.end is not None:
            seconds = min(seconds, self._next_pause)
            self._next_pause = 2 * self._next_pause or _FIRST_PAUSE
        self._deadline.sleep(seconds)

    def pause_between_connections(self, seconds: float) -> float:
        """Wait for the next poll, for a caller who reads the stream between the polls anyway.

        Returns:
            The seconds that were not waited.
        """
        waited = seconds
        if self.is_worthwhile:
            waited = min(seconds, self._failures * _PAUSE_AFTER_FAILURE)
        self.pause_without_reading(waited)
        return seconds - waited

    def pause(self, seconds: float) -> float:
        """Wait for the next poll by reading the stream: until the model ends, or `seconds`.

        Returns:
            The seconds that were not waited, as the stream has failed for the first time in a row.
        """
        end = monotonic() + seconds
        was_reliable = self.is_reliable
        if self.is_worthwhile and seconds > 0:
            with closing(self.outputs(seconds)) as outputs:
                for _ in outputs:
                    self.has_news = True
                    if monotonic() >= end:
                        break
        remaining = max(0.0, end - monotonic())
        if was_reliable and self._failures:
            return remaining
        self.pause_without_reading(remaining)
        return 0.0

    def _parse_end(self, event: sse.Event) -> None:
        self._over.set()
        try:
            data = json.loads(event.data)
        except (ValueError, RecursionError):
            data = event.data
        if event.event == "error":
            if isinstance(data, dict):
                detail = data.get("detail")
            else:
                detail = data
            self.end = "error"
            if detail:
                self.error = str(detail)
            else:
                self.error = None
        else:
            if isinstance(data, dict):
                reason = data.get("reason")
            else:
                reason = None
            self.end = str(reason or "")
