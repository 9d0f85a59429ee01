"""The policies say when to poll and when to retry, and a deadline bounds the whole."""

from __future__ import annotations

import contextlib
import pickle
import random
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicate_sync import InvalidInputError, Polling, RateLimitError, Retries
from replicate_sync.exceptions import Response
from replicate_sync.polling import NO_DEADLINE, Deadline


def test_the_policy_is_thirty_polls_five_seconds_apart_the_first_at_once() -> None:
    pauses: list[float] = []
    polls = Polling().polls(pauses.append)
    assert next(polls) == 1
    assert pauses == []
    assert [1, *polls] == list(range(1, 31))
    assert pauses == [5.0] * 29


def test_a_policy_of_ones_own_is_kept() -> None:
    pauses: list[float] = []
    assert list(Polling(attempts=3, delay=0.5).polls(pauses.append)) == [1, 2, 3]
    assert pauses == [0.5, 0.5]
    assert list(Polling(attempts=1).polls(pauses.append)) == [1]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1.0, Polling(146, 1.0)),
        (2.0, Polling(74, 2.0)),
        (4.9, Polling(31, 4.9)),
        (5.0, Polling()),
        (60.0, Polling()),
        (0.0, Polling()),
    ],
)
def test_a_shorter_interval_keeps_the_duration(seconds: float, expected: Polling) -> None:
    assert Polling().at_least_every(seconds) == expected


def test_the_longest_times_that_a_policy_takes_are_a_million_seconds() -> None:
    assert Polling(delay=1e6).delay == 1e6
    with pytest.raises(InvalidInputError):
        Polling(delay=1e6 + 1)


def test_an_expired_deadline_allows_one_last_poll() -> None:
    deadline = Deadline(100)
    pauses: list[float] = []
    polls = Polling(attempts=9, delay=5).polls(pauses.append, deadline)
    assert next(polls) == 1
    assert next(polls) == 2
    deadline.expire()
    assert list(polls) == []
    assert list(Polling(attempts=9, delay=5).polls(pauses.append, deadline)) == [1]


def test_a_pause_between_polls_does_not_outlast_the_deadline() -> None:
    pauses: list[float] = []
    polls = Polling(attempts=3, delay=5).polls(pauses.append, Deadline(1))
    assert [next(polls), next(polls)] == [1, 2]
    assert 0.5 < pauses[0] <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": True},
        {"attempts": 1.5},
        {"attempts": None},
        {"delay": -1},
        {"delay": "x"},
        {"delay": float("nan")},
        {"delay": float("inf")},
    ],
)
def test_a_polling_policy_that_cannot_be_kept_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="Polling needs"):
        Polling(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"first": -1}, {"ceiling": "x"}, {"longest": float("inf")}]
)
def test_a_retry_policy_that_cannot_be_kept_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="Retries needs"):
        Retries(**wrong)


@pytest.mark.parametrize("policy", [Polling(3, 0.5), Retries(attempts=2, first=0.0)])
def test_a_policy_is_a_value(policy: Polling | Retries) -> None:
    same = eval(repr(policy))
    assert same == policy == pickle.loads(pickle.dumps(policy))
    assert hash(same) == hash(policy)
    assert hash(policy) not in (hash(Polling()), hash(Retries()))
    assert policy not in (Polling(4, 0.5), Retries(attempts=2), (3, 0.5))
    with pytest.raises(AttributeError, match=f"A {type(policy).__name__} cannot be changed"):
        policy.attempts = 7


class Sender:
    """Raises these errors, one at each call, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "response"


def is_os_error(error: BaseException) -> bool:
    return isinstance(error, OSError)


def rate_limit_error(seconds: float | None) -> RateLimitError:
    error = RateLimitError("too many", Response(429, {}, b""))
    error.retry_after = seconds
    return error


def test_a_passing_failure_is_retried_and_another_is_not() -> None:
    send = Sender(OSError(), OSError())
    assert Retries(first=0, ceiling=0).call(send, is_os_error) == "response"
    assert send.calls == 3
    send = Sender(KeyError("x"))
    with pytest.raises(KeyError):
        Retries(first=0).call(send, is_os_error)
    assert send.calls == 1


def test_when_the_attempts_are_used_up_the_last_error_is_raised_as_it_is() -> None:
    send = Sender(*(OSError(str(number)) for number in range(9)))
    with pytest.raises(OSError, match="4"):
        Retries(attempts=5, first=0, ceiling=0).call(send, is_os_error)
    assert send.calls == 5


def test_by_default_a_request_is_sent_five_times_within_a_minute_or_so() -> None:
    assert repr(Retries()) == "Retries(attempts=5, first=0.5, ceiling=8.0, longest=60.0)"
    assert repr(Polling()) == "Polling(attempts=30, delay=5.0)"


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 2**32))
def test_the_random_pauses_double_up_to_the_ceiling(attempts: int, seed: int) -> None:
    pauses: list[float] = []
    random.seed(seed)
    with contextlib.suppress(OSError):
        Retries(attempts=attempts + 1, first=1e-4, ceiling=3e-4).call(
            Sender(*(OSError() for _ in range(attempts + 1))),
            is_os_error,
            on_retry=lambda error, pause, attempt: pauses.append(pause),
        )
    limits = [1e-4, 2e-4, 3e-4, 3e-4]
    assert len(pauses) == attempts
    assert all(pause <= limit for pause, limit in zip(pauses, limits, strict=False))


def test_a_pause_as_long_as_is_allowed_is_kept() -> None:
    send = Sender(rate_limit_error(0.01))
    assert Retries(longest=0.01).call(send, lambda error: True) == "response"


def test_each_pause_is_announced_with_its_error_and_attempt() -> None:
    announced: list[tuple[str, float, int]] = []
    Retries(first=0, ceiling=0).call(
        Sender(OSError("one"), OSError("two")),
        is_os_error,
        on_retry=lambda error, pause, attempt: announced.append((str(error), pause, attempt)),
    )
    assert announced == [("one", 0, 1), ("two", 0, 2)]


def test_the_pause_that_the_api_asks_for_is_kept() -> None:
    pauses: list[float] = []
    Retries(first=0, ceiling=0).call(
        Sender(rate_limit_error(0.02), rate_limit_error(None)),
        lambda error: True,
        on_retry=lambda error, pause, attempt: pauses.append(pause),
    )
    assert pauses == [0.02, 0]


def test_a_pause_that_is_too_long_is_an_error_now() -> None:
    for retries, deadline in [
        (Retries(), NO_DEADLINE),
        (Retries(longest=10), NO_DEADLINE),
        (Retries(), Deadline(5)),
    ]:
        send = Sender(rate_limit_error(3600 if retries == Retries() else 11))
        with pytest.raises(RateLimitError):
            retries.call(send, lambda error: True, deadline)
        assert send.calls == 1


def test_a_deadline_without_a_limit_never_expires() -> None:
    assert NO_DEADLINE.remaining == inf
    assert not NO_DEADLINE.expired
    assert Deadline().seconds is None


def test_a_deadline_counts_down_and_expires() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.remaining <= 0.05
    assert not deadline.expired
    deadline.sleep(60)
    assert deadline.expired
    assert deadline.remaining == 0


def test_a_deadline_is_passed_on_and_not_started_again() -> None:
    deadline = Deadline(5)
    assert Deadline.of(deadline) is deadline
    assert Deadline.of(7).seconds == 7
    assert Deadline.of(None).seconds is None


def test_another_thread_ends_a_sleep() -> None:
    deadline = Deadline(60)
    began = time.monotonic()
    threading.Timer(0.05, deadline.expire).start()
    deadline.sleep(60)
    assert time.monotonic() - began < 10
    assert deadline.expired


@pytest.mark.parametrize("seconds", [0, -1, "5", True, float("nan")])
def test_what_is_no_deadline_is_refused(seconds: Any) -> None:
    make: Callable[[Any], Deadline]
    for make in (Deadline, Deadline.of):
        with pytest.raises(InvalidInputError, match="deadline must be a number of seconds"):
            make(seconds)
