"""What a prediction's updates say: the events of one that was created or is waited for here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..forks import brief_lock
from .context import Context
from .outcomes import TERMINAL_STATUSES

if TYPE_CHECKING:
    from ..events import EventKind
    from .fields import PredictionFields

_END_OF_LOGS = 4096  # characters in which the last progress bar is looked for
_CANCELED = frozenset({"canceled", "aborted"})


class Observation:
    """Compares each update of a prediction with the one before, and emits what is new.

    Its usage is counted when it has ended.

    Args:
        prediction: What is observed.
        context: The client's: its events, and its usage.
        is_new: Whether it was created just now: its present state is emitted then.
    """

    def __init__(self, prediction: PredictionFields, context: Context, *, is_new: bool) -> None:
        self._hook = context.events
        self._usage = context.usage
        self._has_started = False
        self._has_ended = False
        self._progress: float | None = None
        if not is_new:
            self._has_started = prediction.status != "starting"
            self._has_ended = prediction.ended
            return
        if self._hook.listeners:
            self._emit("created", prediction)
            if prediction.status == "starting":
                self._emit("queued", prediction)
        if prediction.status != "starting":
            self.note(prediction)

    def note(self, prediction: PredictionFields) -> None:
        """Emit what an update has brought."""
        has_ended = prediction.status in TERMINAL_STATUSES
        with brief_lock:  # several threads may wait for it
            if self._has_ended:
                return
            self._has_ended = has_ended
        try:
            if self._hook.listeners:
                self._emit_news(prediction, has_ended)
        finally:
            if has_ended:
                self._usage.add(prediction)

    def note_text(self, prediction: PredictionFields) -> None:
        """Emit that it has started, as its text arrives."""
        with brief_lock:
            if self._has_started or self._has_ended:
                return
            self._has_started = True
        if self._hook.listeners:
            self._emit("started", prediction)

    def note_saved(self, prediction: PredictionFields, path: str) -> None:
        """Emit that a file was saved."""
        self._emit("saved", prediction, path=path)

    def _emit_news(self, prediction: PredictionFields, has_ended: bool) -> None:
        with brief_lock:
            is_start = not self._has_started and _has_started(prediction)
            self._has_started = self._has_started or is_start
        if is_start:
            self._emit("started", prediction)
        if prediction.logs:
            self._emit_progress(prediction)
        if has_ended:
            kind: EventKind = "ended"
            if prediction.status in _CANCELED:
                kind = "canceled"
            self._emit(kind, prediction, metrics=dict(prediction.metrics))

    def _emit_progress(self, prediction: PredictionFields) -> None:
        from ..display.logs import Progress  # late, as few programs listen

        progress = Progress.parse(prediction.logs[-_END_OF_LOGS:])
        if progress is None or progress.total <= 0:
            return
        fraction = min(1.0, progress.current / progress.total)
        if fraction != self._progress:
            self._progress = fraction
            self._emit("progress", prediction, progress=fraction)

    def _emit(self, kind: EventKind, prediction: PredictionFields, **fields: Any) -> None:
        self._hook.emit(
            kind,
            id=prediction.id,
            model=prediction.model or "",
            status=prediction.status,
            error=prediction.error or "",
            **fields,
        )


def _has_started(prediction: PredictionFields) -> bool:
    is_known = prediction.status in ("processing", "succeeded")
    return is_known or bool(prediction.logs) or bool(prediction.metrics)
