"""A moment by which the whole of something must be done; it may also come earlier, from another thread."""

from __future__ import annotations

from math import inf
from threading import Event
from time import monotonic

from .errors import InvalidInputError


class Deadline:
    """Counts down from when it is made; `None` seconds never end."""

    def __init__(self, seconds: float | None = None) -> None:
        good = seconds is None or (isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0)
        if not good:
            raise InvalidInputError(f"deadline must be a number of seconds above 0, or None, not {seconds!r}.")
        self.seconds = seconds
        self._cut = Event()
        #: The moment, by `time.monotonic`, from which on nothing is left.
        self.end = inf if seconds is None else monotonic() + seconds

    @classmethod
    def of(cls, given: float | Deadline | None) -> Deadline:
        """Give a deadline that was handed on, or one that counts from now."""
        return given if isinstance(given, Deadline) else cls(given)

    @property
    def left(self) -> float:
        """The seconds that are left: none below 0, infinity where there is no end."""
        return max(0.0, self.end - monotonic())

    def cut(self) -> None:
        """Let it be over now, also for a thread that rests."""
        self.end = -inf
        self._cut.set()

    def rest(self, seconds: float) -> None:
        """Sleep for so long, at most until it is over."""
        self._cut.wait(min(seconds, self.left))

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0


NEVER = Deadline()
