"""What predictions have used is added up from what the API says, and nothing is guessed."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync import Replicate
from replicate_sync.exceptions import InvalidInputError
from replicate_sync.prediction.model_usage import ModelUsage
from replicate_sync.prediction.usage import Prices, Usage
from replicate_sync.server import LocalServer


class Ended(NamedTuple):
    """A prediction that has ended."""

    id: str
    model: str | None = "a/b"
    predict_time: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    images_made: float | None = None
    has_run: bool = True
    output: Any = None


def test_the_predictions_of_each_model_are_added_up() -> None:
    usage = Usage()
    usage.add(Ended("1", predict_time=0.5, images_made=1))
    usage.add(Ended("2", predict_time=0.25, images_made=4))
    usage.add(Ended("3", "c/d", predict_time=1, input_tokens=5, output_tokens=7))
    assert usage["a/b"] == ModelUsage(2, 0.75, None, None, 5, None, 0)
    assert usage["c/d"] == ModelUsage(1, 1, 5, 7, None, None, 0)
    assert usage.total == ModelUsage(3, 1.75, 5, 7, 5, None, 0)
    assert list(usage) == ["a/b", "c/d"]
    assert len(usage) == 2


def test_what_the_api_does_not_say_is_none_and_counted() -> None:
    usage = Usage()
    assert usage.total == ModelUsage()
    usage.add(Ended("1"))
    assert usage["a/b"] == ModelUsage(1, unmetered=1)
    usage.add(Ended("2", predict_time=1))
    assert usage["a/b"] == ModelUsage(2, 1, unmetered=1)
    usage.add(Ended("3", None, predict_time=1))
    assert usage["unknown"].seconds == 1


def test_what_never_started_took_no_time_and_cost_nothing() -> None:
    usage = Usage(Prices({"a/b": 2.0}))
    usage.add(Ended("1", has_run=False))
    assert usage["a/b"] == ModelUsage(1, 0.0, cost=0.0)


def test_a_prediction_counts_once() -> None:
    usage = Usage()
    for _ in range(3):
        usage.add(Ended("1", predict_time=1))
    assert usage["a/b"].predictions == 1


def test_what_counts_in_a_part_counts_in_the_whole_whichever_is_read_first() -> None:
    whole = Usage(Prices({"a/b": 2.0}))
    part = Usage(whole=whole)
    other = Usage(whole=whole)
    part.add(Ended("1", predict_time=1))
    whole.add(Ended("2", predict_time=1))
    assert whole["a/b"] == ModelUsage(2, 2, cost=4.0)
    assert part["a/b"] == ModelUsage(1, 1, cost=2.0)
    other.add(Ended("1", predict_time=1))
    assert other["a/b"].predictions == 1
    assert whole["a/b"].predictions == 2


def test_money_is_what_the_caller_says_it_is() -> None:
    prices = Prices(
        {
            "a/b": 0.5,
            "i/m": {"image": 0.25, "prediction": 1},
            "l/m": {"input_token": 0.001, "output_token": 0.01},
        }
    )
    assert prices.cost(Ended("1", predict_time=3)) == 1.5
    assert prices.cost(Ended("1", "i/m", images_made=4)) == 2.0
    assert prices.cost(Ended("1", "l/m", input_tokens=10, output_tokens=5)) == pytest.approx(0.06)
    assert "a/b" in prices
    assert "x/y" not in prices


def test_money_is_none_where_it_is_not_known_of_each() -> None:
    prices = Prices({"a/b": 0.5, "l/m": {"input_token": 1}})
    assert prices.cost(Ended("1", "x/y", predict_time=1)) is None
    assert prices.cost(Ended("1")) is None
    assert prices.cost(Ended("1", "l/m")) is None
    usage = Usage(prices)
    usage.add(Ended("1", predict_time=1))
    assert usage["a/b"].cost == usage.total.cost == 0.5
    usage.add(Ended("2"))
    assert usage["a/b"].cost is None
    usage.add(Ended("3", predict_time=1))
    assert usage["a/b"].cost is None  # for good: a sum of some is no sum
    other = Usage(prices)
    other.add(Ended("1", predict_time=1))
    other.add(Ended("2", "x/y", predict_time=1))
    assert other.total.cost is None


@pytest.mark.parametrize(
    "prices",
    [
        5,
        {"a/b": "5"},
        {"a/b": -1},
        {"a/b": float("nan")},
        {"a/b": True},
        {"a/b": None},
        {"a/b": {"hour": 1}},
        {"a/b": {"second": "x"}},
    ],
)
def test_a_price_that_is_none_is_refused(prices: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"price"):
        Prices(prices)


def test_usage_is_a_table() -> None:
    usage = Usage(Prices({"a/b": 0.5}))
    usage.add(Ended("1", predict_time=8.25, images_made=2))
    usage.add(Ended("2", "long/name", predict_time=0.5, input_tokens=12, output_tokens=140))
    assert str(usage) == (
        "model      predictions  seconds  input tokens  output tokens  images    cost\n"
        "a/b                  1     8.25             -              -       2  4.1250\n"
        "long/name            1     0.50            12            140       -       -\n"
        "total                2     8.75            12            140       2       -"
    )


def test_threads_may_count_at_once() -> None:
    usage = Usage()

    def count(thread: int) -> None:
        for number in range(200):
            usage.add(Ended(f"{thread}-{number}", predict_time=1))

    threads = [threading.Thread(target=count, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert usage["a/b"] == ModelUsage(1600, 1600)


class LargeOutput(list[int]):
    """An output of which it is known whether anything holds it."""


class LongOutput(str):
    """Likewise."""


@pytest.mark.parametrize(
    ("kind", "value"), [(LargeOutput, range(5)), (LongOutput, "x" * 5000)], ids=["list", "text"]
)
def test_no_large_output_is_held_until_it_is_added_up(kind: type, value: Any) -> None:
    usage = Usage(whole=Usage())
    output = kind(value)
    usage.add(Ended("1", predict_time=1, output=output))
    held = weakref.ref(output)
    del output
    assert held() is None
    assert usage.total == ModelUsage(1, 1)


def test_a_copy_in_another_process_begins_with_nothing() -> None:
    usage = Usage(Prices({"a/b": 0.5}))
    usage.add(Ended("1", predict_time=1))
    copy = pickle.loads(pickle.dumps(usage))
    assert len(copy) == 0
    copy.add(Ended("1", predict_time=1))
    assert copy["a/b"].cost == 0.5


AMOUNT = st.none() | st.integers(0, 1000).map(lambda n: n / 4)


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(["a/b", "c/d"]), AMOUNT, AMOUNT, AMOUNT, AMOUNT)))
def test_every_sum_is_that_of_what_was_said(ended: list[Any]) -> None:
    usage = Usage()
    for number, (model, *amounts) in enumerate(ended):
        usage.add(Ended(str(number), model, *amounts))
    for column, name in enumerate(("seconds", "input_tokens", "output_tokens", "images"), 1):
        known = [one[column] for one in ended if one[column] is not None]
        assert getattr(usage.total, name) == (sum(known) if known else None)
    assert usage.total.predictions == len(ended)
    assert usage.total.unmetered == sum(one[1] is None for one in ended)


def test_a_stream_is_counted_later_without_holding_its_input_until_then() -> None:
    with LocalServer() as server:
        client = Replicate(server.token, base_url=server.url)
        server.script("me/story", tokens=["once", " upon"])
        prediction = client.predictions.create("me/story", {"prompt": "a long one"})
        held = weakref.ref(prediction)
        assert "".join(prediction.stream()) == "once upon"
        del prediction
        gc.collect()
        assert held() is None
        assert client.usage["me/story"].predictions == 1
        assert client.usage["me/story"].seconds is not None
