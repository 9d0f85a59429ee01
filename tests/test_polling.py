"""The policies say when to look and when to ask again."""

from __future__ import annotations

import pickle

import pytest

from replicate_sync import InvalidInputError, Polling, RateLimitError, Retries


def test_the_policy_is_thirty_looks_five_seconds_apart_the_first_at_once() -> None:
    pauses: list[float] = []
    looks = Polling().looks(pauses.append)
    assert next(looks) == 1
    assert pauses == []
    assert [1, *looks] == list(range(1, 31))
    assert pauses == [5.0] * 29


def test_a_policy_of_its_own_is_kept() -> None:
    pauses: list[float] = []
    assert list(Polling(attempts=3, delay=0.5).looks(pauses.append)) == [1, 2, 3]
    assert pauses == [0.5, 0.5]
    assert list(Polling(attempts=1).looks(pauses.append)) == [1]


@pytest.mark.parametrize(
    "bad",
    [{"attempts": 0}, {"delay": -1}, {"attempts": None}, {"delay": "x"}, {"delay": float("nan")}, {"delay": float("inf")}],
)
def test_a_policy_that_cannot_be_kept_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError):
        Polling(**bad)
    with pytest.raises(InvalidInputError):
        Retries(**{"attempts": 0} if "attempts" in bad else {"first": -1})


@pytest.mark.parametrize("policy", [Polling(3, 0.5), Retries(attempts=2, first=0.0)])
def test_a_policy_is_a_value(policy: Polling | Retries) -> None:
    same = eval(repr(policy))
    assert same == policy == pickle.loads(pickle.dumps(policy))
    assert hash(same) == hash(policy)
    assert policy not in (Polling(4, 0.5), Retries(attempts=2), (3, 0.5))
    with pytest.raises(AttributeError, match=f"A {type(policy).__name__} cannot be changed: make another one"):
        policy.attempts = 7


def counting(errors: list[Exception]) -> tuple[list[int], object]:
    calls: list[int] = []

    def send() -> str:
        calls.append(len(calls))
        if errors:
            raise errors.pop(0)
        return "answer"

    return calls, send


def test_a_passing_fault_is_tried_again_and_another_is_not() -> None:
    calls, send = counting([OSError(), OSError()])
    assert Retries(first=0, ceiling=0).call(send, lambda e: isinstance(e, OSError)) == "answer"  # type: ignore[arg-type]
    assert len(calls) == 3
    calls, send = counting([KeyError("x")])
    with pytest.raises(KeyError):
        Retries(first=0).call(send, lambda e: isinstance(e, OSError))  # type: ignore[arg-type]
    assert len(calls) == 1


def test_the_last_fault_is_raised_as_it_is_when_the_attempts_are_used_up() -> None:
    calls, send = counting([OSError(str(n)) for n in range(9)])
    with pytest.raises(OSError, match="4"):
        Retries(attempts=5, first=0, ceiling=0).call(send, lambda e: True)  # type: ignore[arg-type]
    assert len(calls) == 5


def test_a_wait_that_is_too_long_is_an_error_now() -> None:
    error = RateLimitError("429")
    error.retry_after = 3600
    calls, send = counting([error])
    with pytest.raises(RateLimitError):
        Retries().call(send, lambda e: True)  # type: ignore[arg-type]
    assert len(calls) == 1
