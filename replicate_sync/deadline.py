"""The time by which a whole call must be done, however many requests it sends."""

from __future__ import annotations

import os
from math import inf
from threading import Event
from time import monotonic

from .exceptions import InvalidInputError

_MAX = 1e9  # seconds; an integer may be larger than any float


class Deadline:
    """The time by which a whole call must be done. It may be moved to now by another thread.

    Args:
        seconds: How many seconds are left from now on; None for no limit.
    """

    def __init__(self, seconds: float | None = None) -> None:
        if seconds is not None and not _is_number_above_0(seconds):
            raise InvalidInputError(
                f"deadline must be a number of seconds above 0, or None, not {seconds!r}."
            )
        #: How many seconds there were, or None for no limit.
        self.seconds: float | None = seconds
        #: When it ends, by `time.monotonic`.
        self.end: float = inf if seconds is None else monotonic() + min(seconds, _MAX)
        self._expired = Event()

    @classmethod
    def of(cls, value: float | Deadline | None) -> Deadline:
        """Return a deadline that was passed on, or a new one that starts now."""
        if isinstance(value, Deadline):
            return value
        return cls(value)

    @property
    def remaining(self) -> float:
        """The seconds that remain: 0 or more, infinity without a limit."""
        return max(0.0, self.end - monotonic())

    @property
    def expired(self) -> bool:
        """Whether no time remains."""
        return self.remaining <= 0

    def expire(self) -> None:
        """End it now, also for a thread that sleeps."""
        self.end = -inf
        self._expired.set()

    def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds, or until the deadline if that is sooner."""
        self._expired.wait(min(seconds, self.remaining))


NO_DEADLINE = Deadline()

if hasattr(os, "register_at_fork"):
    # A thread of the parent may have held its lock.
    os.register_at_fork(after_in_child=NO_DEADLINE.__init__)  # type: ignore[misc]


def _is_number_above_0(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
