"""The policies say when to poll and when to retry, and a deadline bounds the whole."""

from __future__ import annotations

import contextlib
import itertools
import pickle
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicate_sync import InvalidInputError, Polling, RateLimitError, Retries
from replicate_sync.deadline import NO_DEADLINE, Deadline
from replicate_sync.exceptions import Response


def times_of(policy: Polling, *, is_new: bool = False) -> list[float]:
    """Return when the polls of a policy are, in seconds from its beginning on."""
    now = 0.0
    times: list[float] = []

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    for _ in policy.polls(pause, is_new=is_new):
        times.append(now)
    return times


def test_the_policy_is_thirty_polls_five_seconds_apart_the_first_at_once() -> None:
    pauses: list[float] = []
    polls = Polling(early=False).polls(pauses.append)
    assert next(polls) == 1
    assert pauses == []
    assert [1, *polls] == list(range(1, 31))
    assert pauses == [5.0] * 29


def test_early_polls_are_between_the_thirty_and_use_up_none() -> None:
    attempts = [5.0 * number for number in range(30)]
    times = times_of(Polling())
    assert [time for time in times if time % 5 == 0] == attempts
    assert times[1:6] == pytest.approx([0.35, 0.67, 1.054, 1.5148, 2.06776])
    assert len(times) == 30 + 15
    numbers = list(Polling().polls(lambda seconds: None))
    assert sorted(set(numbers)) == list(range(1, 31))
    assert numbers == sorted(numbers)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.floats(0.2, 60), st.floats(0, 60), st.booleans())
def test_the_end_of_a_job_is_known_within_a_quarter_of_its_time(
    delay: float, seconds: float, is_new: bool
) -> None:
    attempts = 2 + int(100 / delay)
    times = times_of(Polling(attempts=attempts, delay=delay), is_new=is_new)
    known = next(time for time in times if time >= seconds)
    assert known <= max(0.35, 1.25 * seconds + 0.25) + 1e-6
    assert len(times) <= attempts + 25


@pytest.mark.parametrize(
    ("seconds", "requests", "lag"),
    [(0.1, 3, 0.412), (1, 4, 0.12), (2.5, 7, 0.3), (8, 18, 0.96), (30, 61, 3.6)],
)
def test_a_new_job_takes_no_more_requests_than_a_poll_each_half_second(
    seconds: float, requests: int, lag: float
) -> None:
    times = times_of(Polling(), is_new=True)
    polls = [time for time in times if time < seconds]
    assert 1 + len(polls) + 1 <= requests
    assert times[len(polls)] - seconds <= lag


def test_where_a_new_job_is_not_polled_early_the_first_poll_is_at_once() -> None:
    assert times_of(Polling(attempts=3, early=False), is_new=True) == [0, 5, 10]
    assert times_of(Polling(attempts=3, delay=0.2), is_new=True) == [0, 0.2, 0.4]
    assert times_of(Polling(attempts=3, delay=0), is_new=True) == [0, 0, 0]
    assert times_of(Polling(attempts=1), is_new=True) == [0.35]


def test_the_pause_before_the_first_poll_of_a_new_job_ends_at_the_deadline() -> None:
    pauses: list[float] = []
    polls = Polling().polls(pauses.append, Deadline(0.1), is_new=True)
    assert next(polls) == 1
    assert 0 < pauses[0] <= 0.1


@pytest.mark.parametrize("delay", [60.0, 1e6])
def test_there_are_never_more_than_twenty_five_early_polls(delay: float) -> None:
    assert len(times_of(Polling(attempts=9, delay=delay))) == 9 + 25


def test_no_poll_is_early_while_something_else_tells_of_the_end() -> None:
    pauses: list[float] = []
    answers = itertools.cycle([False])
    assert list(Polling(attempts=3).polls(pauses.append, is_blind=lambda: next(answers))) == [
        1,
        2,
        3,
    ]
    assert pauses == [5.0, 5.0]


def test_where_that_fails_during_a_pause_the_next_poll_is_an_early_one() -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> float:
        pauses.append(seconds)
        return 4.75 if len(pauses) == 1 else 0.0

    polls = Polling(attempts=2).polls(pause, is_blind=lambda: bool(pauses))
    assert [next(polls) for _ in range(4)] == [1, 1, 1, 1]
    assert pauses == pytest.approx([5.0, 0.3, 0.36])  # the first one waited 0.25 s
    assert [*polls][-1] == 2
    assert 0.25 + sum(pauses[1:]) == pytest.approx(5.0)


@pytest.mark.slow
def test_an_early_poll_that_comes_sooner_gives_no_attempt_back() -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> float:
        pauses.append(seconds)
        return seconds / 2

    numbers = list(Polling(attempts=3, delay=2.0).polls(pause))
    assert numbers == sorted(numbers)
    assert numbers[-1] == 3
    assert len(numbers) <= 3 + 25


def test_without_early_polls_a_pause_that_was_cut_short_is_completed() -> None:
    deadline = Deadline(0.1)
    polls = Polling(attempts=2, early=False).polls(lambda seconds: 5.0, deadline)
    began = time.monotonic()
    assert list(polls) == [1, 2]
    assert 0.08 <= time.monotonic() - began < 4  # the deadline began a little earlier


def test_attempts_start_afresh_and_early_polls_do_not() -> None:
    pauses: list[float] = []
    polls = Polling(attempts=3, delay=0.5).polls(pauses.append)
    numbers = [next(polls) for _ in range(4)]
    polls.renew()
    assert numbers + list(polls) == [1, 1, 2, 2, 2, 2, 3]
    assert pauses == pytest.approx([0.35, 0.15, 0.35, 0.15, 0.45, 0.05])


def test_a_policy_of_ones_own_is_kept() -> None:
    assert times_of(Polling(attempts=3, delay=0.2)) == [0.0, 0.2, 0.4]
    assert times_of(Polling(attempts=1)) == [0.0]


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
    assert not Polling(early=False).at_least_every(seconds).early


def test_the_longest_times_that_a_policy_takes_are_a_million_seconds() -> None:
    assert Polling(delay=1e6).delay == 1e6
    with pytest.raises(InvalidInputError):
        Polling(delay=1e6 + 1)


def test_an_expired_deadline_allows_one_last_poll() -> None:
    deadline = Deadline(100)
    pauses: list[float] = []
    polls = Polling(attempts=9, delay=5, early=False).polls(pauses.append, deadline)
    assert next(polls) == 1
    assert next(polls) == 2
    deadline.expire()
    assert list(polls) == []
    assert list(Polling(attempts=9, delay=5).polls(pauses.append, deadline)) == [1]


def test_a_pause_between_polls_does_not_outlast_the_deadline() -> None:
    pauses: list[float] = []
    polls = Polling(attempts=3, delay=5, early=False).polls(pauses.append, Deadline(1))
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
    assert repr(Polling()) == "Polling(attempts=30, delay=5.0, early=True)"


@settings(max_examples=30)
@given(st.integers(1, 4))
def test_the_random_pauses_double_up_to_the_ceiling(attempts: int) -> None:
    pauses: list[float] = []
    with contextlib.suppress(OSError):
        Retries(attempts=attempts + 1, first=1e-4, ceiling=3e-4).call(
            Sender(*(OSError() for _ in range(attempts + 1))),
            is_os_error,
            on_retry=lambda error, pause, attempt: pauses.append(pause),
        )
    limits = [1e-4, 2e-4, 3e-4, 3e-4]
    assert len(pauses) == attempts
    assert all(pause <= limit for pause, limit in zip(pauses, limits, strict=False))


def test_retries_leave_the_random_numbers_of_the_program_alone() -> None:
    before = random.getstate()
    Retries(first=1e-4).call(Sender(OSError(), OSError()), is_os_error)
    assert random.getstate() == before


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


_INTERRUPTED = """
import sys, threading, _thread
import replicate_sync.polling as polling

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == STOP:
            sys.meta_path.remove(self)
            _thread.interrupt_main()
            stopped.wait(0.2)

stopped = threading.Event()
sys.meta_path.insert(0, Finder())
try:
    list(polling.Polling(1).polls())
except KeyboardInterrupt:
    pass
else:
    sys.exit("not interrupted")
assert list(polling.Polling(2, 0.0).polls()) == [1, 2]
assert sys.modules["tenacity"].wait.wait_base is sys.modules["tenacity.wait"].wait_base
assert sys.modules["tenacity.retry"].retry_base is sys.modules["tenacity"].retry_base
"""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["tenacity.retry", "tenacity.wait"])
def test_an_interrupt_during_the_first_wait_leaves_no_module_half_imported(module: str) -> None:
    program = _INTERRUPTED.replace("STOP", repr(module))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
