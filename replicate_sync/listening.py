"""The event stream of one prediction: opened, listened to, and given up when it is not worth it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from time import monotonic

from . import sse
from .deadlines import NEVER, Deadline
from .errors import ConnectionFailed, ResponseError
from .transport import Transport

_FAILURES = 3  # in a row, after which a stream is not opened again
_AT_ONCE = 1.0  # seconds: a stream that ends sooner, with nothing new, has failed
_SHORT = 0.05  # seconds: the first pause after a look that does not show an end which was announced


class Listener:
    """Listens to a prediction's events; `end` tells how the model ended, once that is known.

    Events: https://replicate.com/docs/topics/predictions/streaming
    """

    def __init__(self, url: str | None, transport: Transport, deadline: Deadline = NEVER) -> None:
        self._deadline = deadline
        self._url = url
        self._transport = transport
        self._failures = 0
        self._short = 0.0  # the first look after the announcement is at once
        self._news = False
        self._told = False  # whether what arrived last had an output in it
        self.last_id = ""
        #: None while the model works; then "" for success, "error", "canceled", or what else the API may say.
        self.end: str | None = None
        #: What the stream's error event said.
        self.error: str | None = None

    @property
    def worthwhile(self) -> bool:
        """Whether listening is likely to tell something."""
        return bool(self._url) and self.end is None and self._failures < _FAILURES

    def news(self) -> None:
        """Say that what was heard was new: a stream that only repeats itself is not worth listening to."""
        self._news = True

    def give_up(self) -> None:
        """Do not listen again."""
        self._failures = _FAILURES

    def outputs(self, silence: float) -> Iterator[sse.Event]:
        """Open the stream behind `last_id` and yield its output events, until it ends, breaks, or brings none for
        `silence` seconds. A fault is no error here: it only makes listening less worthwhile.
        """
        opened, self._news = monotonic(), False
        silence = max(0.05, min(silence, self._deadline.left))
        bounded = self._deadline.seconds is not None
        broken = False
        arriving = self._chunks(silence)
        try:
            for event in sse.events(arriving):
                self.last_id = event.id or self.last_id
                if event.event == "output":
                    self._told = True
                    yield event
                elif event.event in ("done", "error"):
                    self._ended(event)
                    return
                if bounded and self._deadline.passed:
                    break
        except (ConnectionFailed, ResponseError):
            broken = True
        finally:
            arriving.close()
        if self._news or (not broken and monotonic() - opened > _AT_ONCE):
            self._failures = 0
        else:
            self._failures += 1

    def sleep(self, seconds: float) -> None:
        """Wait for the next look without listening: only shortly where the end has been announced."""
        if self.end is not None:
            seconds, self._short = min(seconds, self._short), 2 * self._short or _SHORT
        self._deadline.rest(seconds)

    def rest(self, seconds: float) -> None:
        """Wait for the next look of somebody who listens between the looks anyway."""
        self.sleep(min(seconds, self._failures * 0.25) if self.worthwhile else seconds)

    def listen(self, seconds: float) -> None:
        """Wait for the next look by listening: until the model ends, or `seconds` have passed."""
        until = monotonic() + seconds
        if self.worthwhile and seconds > 0:
            for _ in self.outputs(seconds):
                self.news()
                if monotonic() >= until:
                    break
        self.sleep(max(0.0, until - monotonic()))

    def _chunks(self, silence: float) -> Generator[bytes, None, None]:
        """Yield what arrives, until it has told nothing for `silence` seconds: comments keep a connection open as well."""
        assert self._url
        heard = arrived = monotonic()
        self._told = False
        for chunk in self._transport.stream(self._url, silence=silence, last_event_id=self.last_id):
            if self._told:
                heard, self._told = arrived, False
            arrived = monotonic()
            yield chunk
            if (not self._told and arrived - heard > silence) or arrived >= self._deadline.end:
                return

    def _ended(self, event: sse.Event) -> None:
        try:
            said = json.loads(event.data)
        except ValueError:
            said = event.data
        if event.event == "error":
            detail = said.get("detail") if isinstance(said, dict) else said
            self.end, self.error = "error", str(detail) if detail else None
        else:
            self.end = str(said.get("reason") or "") if isinstance(said, dict) else ""
