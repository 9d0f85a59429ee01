"""When to poll and when to retry: tenacity's policies, as values that a client is given.

The numbers 30 and 5 are written here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil, inf
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from tenacity import RetryCallState

# tenacity is imported where it is first needed: many programs never wait.

_MAX_SECONDS = 1e6  # more than any clock here can wait

_Result = TypeVar("_Result")


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
        self.end: float = inf if seconds is None else monotonic() + seconds
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


class _Value:
    """An immutable value, compared by its fields.

    Not a dataclass: importing `dataclasses` takes 7 ms of the start of every program.
    """

    def __init__(self, **fields: float) -> None:
        vars(self).update(fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A {type(self).__name__} cannot be changed: make another one.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class Polling(_Value):
    """How a prediction is polled until it ends.

    Args:
        attempts: How many polls, the first one at once.
        delay: The polling interval in seconds.
    """

    attempts: int
    delay: float

    def __init__(self, attempts: int = 30, delay: float = 5.0) -> None:
        super().__init__(attempts=attempts, delay=delay)
        if not _is_count(attempts) or not _is_duration(delay):
            raise InvalidInputError(
                f"Polling needs attempts of 1 or more and a delay of 0 s or more, not {self}."
            )

    def at_least_every(self, seconds: float) -> Polling:
        """Return a policy of the same duration whose interval is at most so many seconds."""
        if not 0 < seconds < self.delay:
            return self
        duration = (self.attempts - 1) * self.delay
        return Polling(ceil(duration / seconds) + 1, seconds)

    def polls(
        self, pause: Callable[[float], None] = sleep, deadline: Deadline = NO_DEADLINE
    ) -> Iterator[int]:
        """Yield the number of each attempt when it is time to poll.

        Args:
            pause: Called between two polls with the seconds to wait.
            deadline: There is one last poll when it has expired, and none after that.

        Yields:
            1, 2, 3 … up to `attempts`.
        """
        from tenacity import Retrying, retry_always

        policy = Retrying(
            stop=lambda state: state.attempt_number >= self.attempts or deadline.expired,
            wait=lambda _: min(self.delay, deadline.remaining),
            retry=retry_always,
            retry_error_callback=lambda _: None,
            sleep=pause,
        )
        for attempt in policy:
            yield attempt.retry_state.attempt_number
            attempt.retry_state.set_result(None)


class Retries(_Value):
    """How a request is retried that failed for a passing reason.

    Between two attempts there is a random pause of up to `first` seconds, then of up to twice that,
    and so on up to `ceiling`. Where the API asks for a pause, that one is kept.

    Args:
        attempts: How many requests in all.
        first: The longest first pause, in seconds.
        ceiling: The longest pause, in seconds.
        longest: A longer pause than this one, asked for by the API, is an error instead.
    """

    attempts: int
    first: float
    ceiling: float
    longest: float

    def __init__(
        self,
        attempts: int = 5,
        first: float = 0.5,
        ceiling: float = 8.0,
        longest: float = 60.0,
    ) -> None:
        super().__init__(attempts=attempts, first=first, ceiling=ceiling, longest=longest)
        if not _is_count(attempts) or not all(map(_is_duration, (first, ceiling, longest))):
            raise InvalidInputError(
                f"Retries needs attempts of 1 or more and times of 0 s or more, not {self}."
            )

    def call(
        self,
        send: Callable[[], _Result],
        is_retryable: Callable[[BaseException], bool],
        deadline: Deadline = NO_DEADLINE,
        on_retry: Callable[[BaseException, float, int], None] | None = None,
    ) -> _Result:
        """Return what `send` returns, calling it again while its errors are retryable.

        Args:
            send: Sends the request once.
            is_retryable: Whether an error is worth another attempt.
            deadline: A pause that would outlast it is an error now.
            on_retry: Called before each pause with the error, the seconds, and the number of the
                attempt that failed.

        Raises:
            BaseException: What `send` raised last.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity.wait import wait_random_exponential

        backoff = wait_random_exponential(multiplier=self.first, max=self.ceiling)

        def pause_before_next(state: RetryCallState) -> float:
            assert state.outcome is not None
            requested = _requested_pause(state.outcome.exception())
            if requested is None:
                return min(backoff(state), deadline.remaining)
            return requested

        def should_retry(error: BaseException) -> bool:
            pause = _requested_pause(error) or 0.0
            return is_retryable(error) and pause <= self.longest and pause < deadline.remaining

        def before_pause(state: RetryCallState) -> None:
            assert state.outcome is not None
            assert state.next_action is not None
            error = state.outcome.exception()
            if on_retry is not None and error is not None:
                on_retry(error, state.next_action.sleep, state.attempt_number)

        return Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=pause_before_next,
            retry=retry_if_exception(should_retry),
            before_sleep=before_pause,
            reraise=True,
        )(send)


def _requested_pause(error: BaseException | None) -> float | None:
    """Return the seconds that the API asks to wait, if it does."""
    seconds = getattr(error, "retry_after", None)
    if seconds is None:
        return None
    return float(seconds)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= _MAX_SECONDS


def _is_number_above_0(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
