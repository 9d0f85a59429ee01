"""What fails for a moment ends neither a wait nor the canceling of what nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from wire import CHUNKED, CUT, LAST_CHUNK, MakeClient, Request, StartWire, chunk, event, response

from replicate_sync import NotFoundError, PredictionFailed, ResponseError
from replicate_sync.exceptions import PredictionTimeout


def prediction(status: str = "processing", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": status, **fields}


NOT_FOUND = response({"detail": "not found"}, 404)

# -- 404 right after the create --------------------------------------------------------------------


def not_found_at_first(count: int) -> Callable[[Request], list[Any]]:
    """Return what responds as an API that does not know at first what it has created."""
    polls: list[Request] = []

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [response(prediction(input=request.json["input"]), 201)]
        polls.append(request)
        if len(polls) <= count:
            return [NOT_FOUND]
        return [response(prediction("succeeded", output="five"))]

    return reply


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run", "wait", "stream", "map"])
def test_a_new_prediction_that_is_not_found_is_polled_again(
    wire: StartWire, client_of: MakeClient, name: str
) -> None:
    client = client_of(wire(not_found_at_first(2)))
    if name == "run":
        assert client.run("a/b", {"prompt": "x"}) == "five"
    elif name == "wait":
        waited = client.predictions.create("a/b", {"prompt": "x"}).wait()
        assert waited.output == "five"
    elif name == "stream":
        assert list(client.stream("a/b", {"prompt": "x"})) == ["five"]
    else:
        assert list(client.map("a/b", [{"prompt": "x"}])) == ["five"]


def test_a_prediction_that_is_not_new_and_not_found_is_an_error(
    wire: StartWire, client_of: MakeClient
) -> None:
    found = [response(prediction()), NOT_FOUND]
    server = wire(lambda request: [found[min(len(server.requests) - 1, 1)]])
    waiting = client_of(server).predictions.get("p1")
    with pytest.raises(NotFoundError):
        waiting.wait()
    assert len(server.requests) == 2


@pytest.mark.slow
def test_a_new_prediction_is_not_asked_for_beyond_the_deadline(
    wire: StartWire, client_of: MakeClient
) -> None:
    client = client_of(wire(not_found_at_first(1000)))
    started = time.monotonic()
    with pytest.raises(PredictionTimeout):
        client.run("a/b", {"prompt": "x"}, deadline=0.3)
    assert time.monotonic() - started < 1.5


# -- Another prediction ----------------------------------------------------------------------------


def test_another_predictions_body_is_an_error_and_not_taken_over(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [response(prediction(), 201)]
        return [response(prediction("succeeded", id="p2", output="theirs"))]

    client = client_of(wire(reply))
    for call in (
        lambda: client.run("a/b", {"prompt": "x"}),
        lambda: client.predictions.get("p1"),
        lambda: client.predictions.cancel("p2").wait(),
    ):
        with pytest.raises(ResponseError, match="is not prediction p"):
            call()


# -- A body that is cut short ----------------------------------------------------------------------


@pytest.mark.parametrize("cut", [b'{"id": "p1", "sta', b"", b"[1, 2", b'{"id": "p1", "status": "x'])
def test_a_get_whose_json_is_cut_short_is_retried(
    wire: StartWire, client_of: MakeClient, cut: bytes
) -> None:
    bodies = [response(cut), response(cut), response(prediction())]
    server = wire(lambda request: [bodies[min(len(server.requests), 3) - 1]])
    assert client_of(server).predictions.get("p1").id == "p1"
    assert len(server.requests) == 3


def test_a_page_that_is_not_json_is_not_retried(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda request: [response(b"<html>log in</html>")])
    with pytest.raises(ResponseError, match="is not JSON"):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 1


# -- Canceling on the way out ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [[CUT], [response({}, 429)], [response({}, 502)], [response({}, 503)], [NOT_FOUND]],
    ids=["reset", "429", "502", "503", "404"],
)
def test_canceling_is_tried_again_within_its_second(
    wire: StartWire, client_of: MakeClient, failure: list[Any]
) -> None:
    cancels: list[Request] = []

    def reply(request: Request) -> list[Any]:
        if not request.path.endswith("/cancel"):
            return [response(prediction())]
        cancels.append(request)
        if len(cancels) <= 2:
            return failure
        return [response(prediction("canceled"))]

    abandoned = client_of(wire(reply)).predictions.get("p1")
    abandoned.abandon()
    assert abandoned.status == "canceled"
    assert len(cancels) == 3


@pytest.mark.slow
@pytest.mark.parametrize("failure", [[response({}, 503)], [5.0]], ids=["503", "silence"])
def test_canceling_that_keeps_failing_ends_in_time_and_is_said(
    wire: StartWire, client_of: MakeClient, failure: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.path.endswith("/cancel"):
            return failure
        return [response(prediction())]

    abandoned = client_of(wire(reply)).predictions.get("p1")
    started = time.monotonic()
    abandoned.abandon(0.3)
    assert time.monotonic() - started < 1.3
    assert "could not be canceled and may still be running" in caplog.text


# -- Polls behind the end of a stream --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("end", ["done", "error"])
def test_the_poll_behind_an_announced_end_is_under_the_deadline(
    wire: StartWire, client_of: MakeClient, end: str
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.path == "/s":
            data = "{}" if end == "done" else '{"detail": "no"}'
            pieces = [chunk(event("Once", 0)), chunk(event(data, 1, end)), LAST_CHUNK]
            return [CHUNKED, *pieces]
        if request.method == "POST":
            urls = {"stream": f"http://{request.headers['host']}/s"}
            return [response(prediction(urls=urls), 201)]
        return [5.0]

    client = client_of(wire(reply), timeout=60)
    started = time.monotonic()
    with suppress(PredictionTimeout, PredictionFailed):
        list(client.stream("a/b", {"prompt": "x"}, deadline=0.3))
    assert time.monotonic() - started < 1.5
