"""A map stops creating when its budget is spent, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, response

from replicate_sync import InvalidInputError, MapError

SECONDS = 2.0


class Api:
    """Creates predictions that take two seconds each, by their metrics."""

    def __init__(self, *, has_metrics: bool = True) -> None:
        self.created = 0
        self.metrics = {"predict_time": SECONDS} if has_metrics else {}

    def __call__(self, request: Request) -> list[bytes]:
        if request.method != "POST":
            return [response({"results": []})]
        self.created += 1
        ended = {
            "id": f"p{self.created}",
            "status": "succeeded",
            "model": "a/b",
            "input": request.json["input"],
            "output": request.json["input"]["n"],
            "metrics": self.metrics,
        }
        return [response(ended, 201)]


def run(client: Any, budget: float, **options: Any) -> tuple[list[Any], MapError | None]:
    """Map 20 inputs, and return the results and the error at the end."""
    results = []
    try:
        for result in client.map("a/b", ({"n": n} for n in range(20)), budget=budget, **options):
            results.append(result)
    except MapError as error:
        return results, error
    return results, None


@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_nothing_is_created_once_the_budget_is_spent(
    wire: StartWire, client_of: MakeClient, on_error: str
) -> None:
    api = Api()
    client = client_of(wire(api), prices={"a/b": 0.5})
    results, error = run(client, 5.0, concurrency=1, on_error=on_error)
    assert results == [0, 1, 2, 3, 4]
    assert api.created == 5
    assert "The budget of 5 is spent: 5 predictions cost 5." in str(error)
    assert client.usage["a/b"].cost == 5.0


def test_a_budget_that_suffices_changes_nothing(wire: StartWire, client_of: MakeClient) -> None:
    api = Api()
    results, error = run(client_of(wire(api), prices={"a/b": 0.5}), 1000)
    assert results == list(range(20))
    assert error is None


def test_what_is_in_flight_is_all_that_may_exceed_it(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api()
    results, error = run(client_of(wire(api), prices={"a/b": 0.5}), 5.0, concurrency=4)
    assert 5 <= api.created <= 9
    assert results == list(range(api.created))
    assert error is not None


def test_each_map_has_a_budget_of_its_own(wire: StartWire, client_of: MakeClient) -> None:
    client = client_of(wire(Api()), prices={"a/b": 0.5})
    for _ in range(2):
        results, _ = run(client, 2.0, concurrency=1)
        assert results == [0, 1]
    assert client.usage["a/b"].predictions == 4


def test_a_cost_that_is_not_known_is_no_guess(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(has_metrics=False)
    results, error = run(client_of(wire(api), prices={"a/b": 0.5}), 5.0, concurrency=1)
    assert results == [0]
    assert "is not known" in str(error)


@pytest.mark.parametrize("budget", [-1, float("nan"), float("inf"), "5", True])
def test_a_budget_that_is_none_is_refused(
    wire: StartWire, client_of: MakeClient, budget: Any
) -> None:
    with pytest.raises(InvalidInputError, match="budget must be a number"):
        client_of(wire(Api()), prices={"a/b": 0.5}).map("a/b", [], budget=budget)


def test_a_budget_needs_a_price(wire: StartWire, client_of: MakeClient) -> None:
    with pytest.raises(InvalidInputError, match=r"what a/b costs\. Pass prices=\{'a/b': …\}"):
        client_of(wire(Api())).map("a/b", [{}], budget=5)
