"""Who listens to what happens to predictions: each event is passed on to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any

from .exceptions import InvalidInputError
from .forks import brief_lock

if TYPE_CHECKING:
    from .events import EventKind, Listener

_log = logging.getLogger("replicate_sync")


class EventHook:
    """Passes events on to whoever listens. An error of a listener is logged, and breaks nothing.

    A copy in another process has no listeners: what happens there is reported here when its result
    comes back.

    Args:
        on_event: The caller's listener, or None. Any thread may call it, also two at a time.

    Raises:
        InvalidInputError: It cannot be called.
    """

    def __init__(self, on_event: Listener | None = None) -> None:
        if on_event is not None and not callable(on_event):
            raise InvalidInputError(f"on_event must be a function of an event, not {on_event!r}.")
        #: Who gets each event.
        self.listeners: tuple[Listener, ...] = ()
        if on_event is not None:
            self.listeners = (on_event,)

    @classmethod
    def of(cls, on_event: Listener | EventHook | None) -> EventHook:
        """Return a hook for a listener; a hook is returned as it is."""
        if isinstance(on_event, EventHook):
            return on_event
        return cls(on_event)

    def branch(self) -> EventHook:
        """Return a hook for some predictions; its events reach the listeners of this one, too."""
        hook = EventHook()
        hook.listeners = self.listeners
        return hook

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Pass events to a listener as well, while the context lasts."""
        with brief_lock:
            self.listeners = (*self.listeners, listener)
        try:
            yield
        finally:
            with brief_lock:
                others = list(self.listeners)
                others.remove(listener)
                self.listeners = tuple(others)

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Pass an event to the listeners.

        Args:
            kind: What has happened.
            **fields: The fields of the `PredictionEvent` besides its time.
        """
        if not self.listeners:
            return
        from .events import PredictionEvent  # late, as few programs listen

        event = PredictionEvent(kind, time(), **fields)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception as error:
                _log.warning("on_event raised %s for %r: %s", type(error).__name__, kind, error)

    def __reduce__(self) -> tuple[type[EventHook], tuple[()]]:
        return EventHook, ()
