"""What happens to predictions, as small records: for logs, metrics, spans and progress bars.

An example, of a prediction that is created while the API is busy, runs, and is saved:

    retried      POST /v1/predictions   attempt 1 failed, and is repeated after a pause
    created      p1                     the prediction exists
    queued       p1                     it waits for a machine
    started      p1                     it runs, by its status or its logs
    progress     p1   0.25              as often as its logs have a new percentage
    ended        p1   succeeded         with its metrics; "canceled" instead where it was canceled
    saved        p1   out/0-out-0.png   for each file
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import time
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .exceptions import InvalidInputError
from .forks import brief_lock

EventKind = Literal[
    "created", "queued", "started", "progress", "retried", "ended", "canceled", "saved"
]
_NO_METRICS: Mapping[str, Any] = MappingProxyType({})
_log = logging.getLogger("replicate_sync")


class PredictionEvent(NamedTuple):
    """Something that has happened to a prediction, or to a request.

    Examples:
        >>> client = client.with_options(on_event=lambda event: print(event.kind))
        >>> client.run("replicate/hello-world", {"text": "Alice"})
        created
        started
        ended
        'hello Alice'
    """

    kind: EventKind
    #: When it was known here, in seconds since 1970.
    time: float
    #: The id of the prediction or training; "" for a request that is retried.
    id: str = ""
    #: "owner/name", or "" where it is not known.
    model: str = ""
    #: The status, such as "processing"; "" for a request.
    status: str = ""
    #: How far it is, from 0 to 1, by its logs; None where they do not say.
    progress: float | None = None
    #: The metrics of what has ended.
    metrics: Mapping[str, Any] = _NO_METRICS
    #: Why it failed, or why a request is retried; without the token.
    error: str = ""
    #: The request that is retried, such as "GET /v1/predictions/p1".
    request: str = ""
    #: The number of the attempt that failed, from 1.
    attempt: int = 0
    #: The seconds until the next attempt.
    pause: float = 0.0
    #: Where a file was saved.
    path: str = ""


Listener = Callable[[PredictionEvent], object]


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
        event = PredictionEvent(kind, time(), **fields)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception as error:
                _log.warning("on_event raised %s for %r: %s", type(error).__name__, kind, error)

    def __reduce__(self) -> tuple[type[EventHook], tuple[()]]:
        return EventHook, ()
