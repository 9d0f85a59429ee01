"""When to look again, and when to ask again: tenacity's policies, as values that a client is given.

The figures 30 and 5 are written here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar

from .deadlines import NEVER, Deadline
from .errors import InvalidInputError

if TYPE_CHECKING:
    from tenacity import RetryCallState

# tenacity is imported where it first has to wait: a program whose first answer is the last needs none of it.

_LONGEST = 1e6  # seconds: more than any clock here can wait

_Answer = TypeVar("_Answer")


class _Value:
    """A value, which is what it was made of, and stays so. By hand, as dataclasses take as long to load as all policies."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A {type(self).__name__} cannot be changed: make another one.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={part!r}' for name, part in vars(self).items())})"


class Polling(_Value):
    """How a prediction is looked at until it ends: `attempts` looks, `delay` seconds apart, the first at once."""

    attempts: int
    delay: float

    def __init__(self, attempts: int = 30, delay: float = 5.0) -> None:
        super().__init__(attempts=attempts, delay=delay)
        if not _count(self.attempts) or not _seconds(self.delay):
            raise InvalidInputError(f"Polling needs attempts of 1 or more and a delay of 0 s or more, not {self}.")

    def closer(self, delay: float) -> Polling:
        """Give the policy that looks at least every `delay` seconds, for as long in all."""
        if not 0 < delay < self.delay:
            return self
        return Polling(ceil((self.attempts - 1) * self.delay / delay) + 1, delay)

    def looks(self, pause: Callable[[float], None] = sleep, deadline: Deadline = NEVER) -> Iterator[int]:
        """Yield the number of each look, when it is time for it; `pause` is called with the seconds between two.

        There is a last look when the `deadline` has passed, and none after it.
        """
        from tenacity import Retrying, retry_always

        policy = Retrying(
            stop=lambda state: state.attempt_number >= self.attempts or deadline.passed,
            wait=lambda _: min(self.delay, deadline.left),
            retry=retry_always,
            retry_error_callback=lambda _: None,
            sleep=pause,
        )
        for attempt in policy:
            yield attempt.retry_state.attempt_number
            attempt.retry_state.set_result(None)


class Retries(_Value):
    """How a request is repeated that failed for a passing reason.

    `attempts` requests in all. Between two, a random time up to `first` seconds, then up to twice that, and so on up to
    `ceiling`; or what the API asks for, where it does and that is not more than `longest`.
    """

    attempts: int
    first: float
    ceiling: float
    longest: float

    def __init__(self, attempts: int = 5, first: float = 0.5, ceiling: float = 8.0, longest: float = 60.0) -> None:
        super().__init__(attempts=attempts, first=first, ceiling=ceiling, longest=longest)
        if not _count(self.attempts) or not all(map(_seconds, (self.first, self.ceiling, self.longest))):
            raise InvalidInputError(f"Retries needs attempts of 1 or more and times of 0 s or more, not {self}.")

    def call(
        self,
        send: Callable[[], _Answer],
        passing: Callable[[BaseException], bool],
        deadline: Deadline = NEVER,
        told: Callable[[BaseException, float, int], None] | None = None,
    ) -> _Answer:
        """Call `send` until it gives an answer, raises what is not `passing`, or the attempts are used up.

        Where the wait is longer than what is left before the `deadline`, that is an error now. `told` is called before
        each wait, with the error, the seconds and the number of the attempt that failed.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity.wait import wait_random_exponential

        back_off = wait_random_exponential(multiplier=self.first, max=self.ceiling)

        def wait(state: RetryCallState) -> float:
            asked = getattr(state.outcome and state.outcome.exception(), "retry_after", None)
            return min(back_off(state), deadline.left) if asked is None else float(asked)

        def again(error: BaseException) -> bool:
            asked = getattr(error, "retry_after", None) or 0
            return passing(error) and asked <= self.longest and asked < deadline.left

        def before(state: RetryCallState) -> None:
            error = state.outcome and state.outcome.exception()
            if told and error and state.next_action:
                told(error, state.next_action.sleep, state.attempt_number)

        return Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait,
            retry=retry_if_exception(again),
            before_sleep=before,
            reraise=True,
        )(send)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= _LONGEST
