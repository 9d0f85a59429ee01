"""The API's clock, as far as the dates of its responses say."""

from __future__ import annotations

from collections import deque
from datetime import timezone
from functools import lru_cache
from math import inf
from time import monotonic, time

_MAX_DATES = 32
_SECOND = 1.0  # the date of a response has no fraction
_SLACK = 0.2  # seconds that the clocks of a service's own machines may differ
_MAX_AGE = 600.0  # seconds, in which two clocks run alike; what is older may be wrong by now


class ServerClock:
    """Tells which time it was by the API's clock, within the bounds that its responses allow.

    An example: a request is sent at 10.2 by the clock of this machine, its response arrives at 10.4
    and is dated 50. When it was dated, the API's clock stood between 50 and 51, and this machine's
    between 10.2 and 10.4. So the API's clock is ahead by 39.6 at the least and 40.8 at the most.
    With each further response the bounds come closer.

    The clock of this machine is `time.monotonic`, which nobody sets while a program runs. Only
    where no response has brought a date, it is what the machine takes for the time.
    """

    def __init__(self) -> None:
        #: The newest responses: date, when its request was sent, and when it arrived, by
        #: `time.monotonic`.
        self.dates: deque[tuple[str | None, float, float]] = deque(maxlen=_MAX_DATES)

    @property
    def is_known(self) -> bool:
        """Whether a response has brought a date."""
        return self._bounds() is not None

    def earliest(self, at: float) -> float:
        """Return the API's time at a time by `time.monotonic`, at the earliest."""
        low, _ = self._bounds() or _of_this_machine()
        return at + low

    def latest(self, at: float) -> float:
        """Return the API's time at a time by `time.monotonic`, at the latest."""
        _, high = self._bounds() or _of_this_machine()
        return at + high

    def _bounds(self) -> tuple[float, float] | None:
        """Return by how much the API's clock is ahead: at the least, and at the most."""
        low, high = -inf, inf
        newest = max((received_at for _, _, received_at in tuple(self.dates)), default=0.0)
        for date, sent_at, received_at in reversed(tuple(self.dates)):
            second = parse_date(date)
            if second is None or received_at < newest - _MAX_AGE:
                continue
            lower = max(low, second - received_at - _SLACK)
            upper = min(high, second + _SECOND - sent_at + _SLACK)
            if lower > upper:
                break  # the API's clock has been set, or this machine slept: no older one counts
            low, high = lower, upper
        if low == -inf:
            return None
        return low, high


def _of_this_machine() -> tuple[float, float]:
    """Return by how much the time is ahead of `time.monotonic`, as the machine takes it."""
    ahead = time() - monotonic()
    return ahead, ahead


@lru_cache(maxsize=2 * _MAX_DATES)
def parse_date(text: str | None) -> float | None:
    """Return a date as HTTP writes it in seconds since 1970; None if it is none.

    See https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
    """
    from email.utils import parsedate_to_datetime  # late, as are all that requests imports as well

    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:  # HTTP knows no other zone than GMT, which one form leaves out
            date = date.replace(tzinfo=timezone.utc)
        return date.timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
