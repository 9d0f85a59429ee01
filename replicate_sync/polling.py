"""When to poll and when to retry: tenacity's policies, as values that a client is given.

The numbers 30 and 5 are written here and nowhere else.

An example: `Polling()` makes its attempts at 0 s, 5 s, 10 s and so on. Where nothing else would
tell that a prediction has ended, it is also polled early: after 0.35 s, and then whenever a fifth
of the time so far and 0.25 s have passed. The first attempt, too, is made after 0.35 s then, if the
response that created the prediction has only just come. So the polls are at 0.35, 0.67, 1.05, 1.5,
2.1, 2.7, 3.5, 4.5 and 5.35 s and so on; from 24 s on only every 5 s. The end of a job of T seconds
is known after at most 1.25 T + 0.25 s, or 0.35 s if that is later, for 13 requests more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from math import ceil
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, TypeVar

from .deadline import NO_DEADLINE, Deadline
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from tenacity import RetryCallState

_MAX_SECONDS = 1e6  # more than any clock here can wait
_MAX_EARLY = 25  # early polls of one wait
# Late enough that a job of 1 s takes no more requests than with a poll every half second, and early
# enough that the end of a job of 0.1 s is known in time.
_FIRST_EARLY = 0.35  # seconds
# Until each later one, so many seconds pass and this share of the time so far.
_EARLY_BASE = 0.25
_EARLY_SHARE = 0.2

_Result = TypeVar("_Result")


def _always() -> bool:
    return True


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
        early: Whether to poll between the attempts as well, at 0.35 s, 0.67 s, 1.05 s, and then
            less and less often, if there is no event stream that ends with the prediction. Early
            polls do not count as attempts. A prediction that was created just now is polled for the
            first time at 0.35 s then.

    Examples:
        >>> patient = client.with_options(polling=Polling(attempts=1000, delay=2))
        >>> patient.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
    """

    attempts: int
    delay: float
    early: bool

    def __init__(self, attempts: int = 30, delay: float = 5.0, early: bool = True) -> None:
        super().__init__(attempts=attempts, delay=delay, early=early)
        if not _is_count(attempts) or not _is_duration(delay):
            raise InvalidInputError(
                f"Polling needs attempts of 1 or more and a delay of 0 s or more, not {self}."
            )

    def at_least_every(self, seconds: float) -> Polling:
        """Return a policy of the same duration whose interval is at most so many seconds.

        Args:
            seconds: The longest interval.

        Examples:
            >>> Polling(attempts=30, delay=5).at_least_every(1)
            Polling(attempts=146, delay=1, early=True)
        """
        if not 0 < seconds < self.delay:
            return self
        duration = (self.attempts - 1) * self.delay
        return Polling(ceil(duration / seconds) + 1, seconds, self.early)

    def polls(
        self,
        pause: Callable[[float], float | None] = sleep,
        deadline: Deadline = NO_DEADLINE,
        is_blind: Callable[[], bool] = _always,
        is_new: bool = False,
    ) -> Polls:
        """Return an iterator over the number of the attempt each time that a poll is due.

        Args:
            pause: Called between two polls with the seconds to wait. It may return how many of
                them it has not waited.
            deadline: There is one last poll when it has expired, and none after that.
            is_blind: Whether only polls will tell that the prediction has ended, so that early
                ones are worth their requests.
            is_new: Whether a response has only just told the prediction's state, so that a poll at
                once would tell nothing new.

        Examples:
            >>> from replicate_sync.deadline import Deadline
            >>> for attempt in Polling(attempts=3, delay=0).polls(lambda seconds: None, Deadline()):
            ...     print(attempt)
            1
            2
            3
        """
        return Polls(self, pause, deadline, is_blind, is_new)


class Polls(Iterator[int]):
    """The polls of one wait: yields 1, 2, 3 … up to the attempts of the policy.

    The number of an early poll is that of the attempt before it. Time is the sum of the pauses, so
    that a poll that takes long makes none more frequent.

    Args:
        policy: The policy.
        pause: See `Polling.polls`; likewise all other arguments.
        deadline: See there.
        is_blind: See there.
        is_new: See there.
    """

    def __init__(
        self,
        policy: Polling,
        pause: Callable[[float], float | None],
        deadline: Deadline,
        is_blind: Callable[[], bool],
        is_new: bool,
    ) -> None:
        self._policy = policy
        self._pause = pause
        self._deadline = deadline
        self._is_blind = is_blind
        self._is_new = is_new
        self._attempt = 1
        self._early_count = 0
        self._elapsed = 0.0
        self._since_attempt = 0.0
        self._is_early = False  # the next poll
        self._numbers = self._run()

    def __next__(self) -> int:
        return next(self._numbers)

    def renew(self) -> None:
        """Count the attempts afresh, as the prediction has shown that it makes progress."""
        self._attempt = 1

    def _run(self) -> Iterator[int]:
        import_whole("tenacity")
        from tenacity import Retrying, retry_always

        seconds = 0.0
        policy = Retrying(
            stop=lambda _: self._attempt > self._policy.attempts or self._deadline.expired,
            wait=lambda _: min(seconds, self._deadline.remaining),
            retry=retry_always,
            retry_error_callback=lambda _: None,
            sleep=self._wait,
        )
        if self._is_new and self._policy.delay > _FIRST_EARLY and self._may_be_early():
            self._elapsed = _FIRST_EARLY
            self._pause(min(_FIRST_EARLY, self._deadline.remaining))
        for attempt in policy:
            yield self._attempt
            seconds = self._next_pause()
            attempt.retry_state.set_result(None)

    def _next_pause(self) -> float:
        """Return the seconds until the next poll, and count it."""
        seconds = self._policy.delay - self._since_attempt
        early = early_pause(self._elapsed)
        is_last = self._attempt >= self._policy.attempts
        self._is_early = early < seconds and not is_last and self._may_be_early()
        if self._is_early:
            seconds = early
            self._early_count += 1
            self._since_attempt += seconds
        else:
            self._attempt += 1
            self._since_attempt = 0.0
        self._elapsed += seconds
        return seconds

    def _may_be_early(self) -> bool:
        return self._policy.early and self._early_count < _MAX_EARLY and self._is_blind()

    def _wait(self, seconds: float) -> None:
        unused = self._pause(seconds) or 0.0
        self._elapsed -= unused
        if self._is_early:
            self._since_attempt -= unused
            return
        if not unused or not self._is_blind():
            return
        if self._may_be_early():
            # What would have told of the end has failed, so this poll is an early one after all.
            self._attempt -= 1
            self._early_count += 1
            self._since_attempt = self._policy.delay - unused
        else:
            self._deadline.sleep(unused)


def early_pause(elapsed: float) -> float:
    """Return how long an early poll may be off.

    Args:
        elapsed: The seconds since the wait began.
    """
    if not elapsed:
        return _FIRST_EARLY
    return _EARLY_BASE + _EARLY_SHARE * elapsed


class Retries(_Value):
    """How a request is retried after a temporary failure.

    Between two attempts there is a random pause of up to `first` seconds, then of up to twice that,
    and so on up to `ceiling`. If the API asks for a pause, it is that long.

    Args:
        attempts: How many requests in all.
        first: The longest first pause, in seconds.
        ceiling: The longest pause, in seconds.
        longest: If the API asks for a longer pause than this, an error is raised instead.

    Examples:
        >>> stubborn = client.with_options(retries=Retries(attempts=10, first=1, ceiling=30))
        >>> stubborn.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
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

        Examples:
            >>> from replicate_sync.deadline import Deadline
            >>> Retries().call(lambda: "done", lambda error: False, Deadline(), lambda *_: None)
            'done'
        """
        import_whole("tenacity")
        from random import SystemRandom

        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity.wait import wait_exponential

        longest = wait_exponential(multiplier=self.first, max=self.ceiling)
        # Not tenacity's own random pause, as a program that sets a seed counts on its numbers.
        uniform = SystemRandom().uniform

        def pause_before_next(state: RetryCallState) -> float:
            assert state.outcome is not None
            requested = _requested_pause(state.outcome.exception())
            if requested is None:
                return min(uniform(0.0, longest(state)), deadline.remaining)
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


_whole_modules: set[str] = set()


def import_whole(name: str) -> None:
    """Import a module that is imported only when it is first needed, as many programs never wait.

    That is done in a thread of its own, where no Ctrl-C arrives: an import that is interrupted can
    leave a module half imported, for as long as the process lives.

    Args:
        name: The name of the module.
    """
    if name in _whole_modules:
        return
    thread = Thread(target=_import, args=(name,), name=f"import-{name}", daemon=True)
    # No thread can be started any more, or on this system: then the caller's own import does it.
    with suppress(RuntimeError):
        thread.start()
        thread.join()


def _import(name: str) -> None:
    with suppress(BaseException):  # which the caller's own import raises again
        import_module(name)
        _whole_modules.add(name)


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
