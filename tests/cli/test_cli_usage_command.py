"""What the account's predictions have used is shown as Replicate says it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli_runner import invoke
from wire import StartWire, response

from replicate_sync import Replicate
from replicate_sync.server import LocalServer


@pytest.mark.slow
def test_the_sums_are_those_of_the_servers_metrics(fresh_server: LocalServer) -> None:
    client = Replicate()
    for name in "ABC":
        client.run("replicate/hello-world", {"text": name})
    client.run("black-forest-labs/flux-schnell", {"prompt": "x", "num_outputs": 2})
    listed = list(client.predictions.list())
    price = "black-forest-labs/flux-schnell=0.5"
    document = json.loads(invoke("usage", "--json", "--price", price).stdout)
    seconds = sum(prediction.metrics["predict_time"] for prediction in listed)
    assert document["total"]["predictions"] == 4
    assert document["total"]["seconds"] == pytest.approx(seconds)
    assert document["total"]["cost"] is None
    flux = document["models"]["black-forest-labs/flux-schnell"]
    assert (flux["predictions"], flux["images"]) == (1, 2)
    assert flux["cost"] == pytest.approx(0.5 * flux["seconds"])
    assert document["models"]["replicate/hello-world"]["cost"] is None


def listing(*items: dict[str, Any]) -> bytes:
    defaults = {"status": "succeeded", "model": "a/b"}
    return response(
        {"results": [{"id": f"p{n}", **defaults, **item} for n, item in enumerate(items)]}
    )


def test_it_is_a_table(wire: StartWire, monkeypatch: pytest.MonkeyPatch) -> None:
    page = listing(
        {"metrics": {"predict_time": 1.5}, "output": "https://replicate.delivery/a/out-0.png"},
        {"metrics": {"predict_time": 0.5, "image_count": 4}},
        {"status": "canceled"},
        {"status": "processing", "metrics": {"predict_time": 9}},
        {"model": "l/m", "metrics": {"token_input_count": 5, "output_token_count": 7}},
    )
    server = wire(lambda request: [page])
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    result = invoke("usage", "--since", "2026-01-01", "--price", "a/b=2")
    assert result.stdout.splitlines() == [
        "model  predictions  seconds  input tokens  output tokens  images  cost",
        "a/b    3            2.00     -             -              5       4.0000",
        "l/m    1            -        5             7              -       -",
        "total  4            2.00     5             7              5       -",
    ]
    assert server.requests[0].query["created_after"].startswith("20")


def test_nothing_is_said_so(fresh_server: LocalServer) -> None:
    result = invoke("usage")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No prediction has ended since then.\n"


def test_a_time_that_no_clock_has_shown_is_refused() -> None:
    for since in ("0001-01-01", "9999999w", "2026-02-30"):
        result = invoke("usage", "--since", since)
        assert result.exit_code == 2
        assert "is no time such as" in result.stderr


@pytest.mark.parametrize("price", ["a/b", "a/b=x", "a/b=-1", "a/b=nan"])
def test_a_price_that_is_none_is_refused(fresh_server: LocalServer, price: str) -> None:
    result = invoke("usage", "--price", price)
    assert result.exit_code == 2
    assert "price" in result.stderr
