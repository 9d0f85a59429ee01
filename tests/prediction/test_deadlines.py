"""A deadline bounds the whole call, whatever happens in it, and the prediction runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from wire import CHUNKED, CUT, Request, Wire, answer, chunk, event

from replicate_sync import (
    ConnectionFailed,
    InvalidInputError,
    Polling,
    PredictionTimeout,
    RateLimitError,
    Replicate,
    ReplicateHome,
    Retries,
)

StartServer = Callable[[Callable[[Request], Any]], Wire]
Reply = Callable[[Request], Iterable[Any]]

DEADLINE = 0.3  # seconds
MARGIN = 2.5  # seconds that a busy machine may take longer


def running(**fields: Any) -> dict[str, Any]:
    """Return a prediction that is running, as the API describes it."""
    data = {"id": "p1", "status": "processing", "model": "a/b", "input": {}, "output": None}
    return {**data, **fields}


def without_stream(request: Request) -> Iterable[Any]:
    yield answer(running(), 201)


def with_text(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        for number in range(1000):
            yield chunk(event("word ", number))
            yield 0.02
    yield answer(running(urls={"stream": f"http://{request.headers['host']}/s"}), 201)


def with_silent_stream(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        yield 20.0
    yield answer(running(urls={"stream": f"http://{request.headers['host']}/s"}), 201)


def with_held_responses(request: Request) -> Iterable[Any]:
    if request.path == "/v1/predictions":
        listed = [running(), running(input={"prompt": "hi"})]
        yield answer({"next": None, "results": listed})
    yield 20.0


def call_run(client: Replicate) -> None:
    client.run("a/b", deadline=DEADLINE)


def call_stream(client: Replicate) -> None:
    list(client.stream("a/b", deadline=DEADLINE))


def call_chat(client: Replicate) -> None:
    list(client.chat("hi", "a/b", deadline=DEADLINE))


def call_wait(client: Replicate) -> None:
    client.predictions.create("a/b", deadline=DEADLINE).wait(deadline=DEADLINE)


CALLS = [call_run, call_stream, call_chat, call_wait]


def error_of(call: Callable[[Replicate], None], client: Replicate) -> Exception | None:
    try:
        call(client)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(
    "reply", [without_stream, with_text, with_silent_stream, with_held_responses]
)
def test_each_call_ends_at_its_deadline_and_the_prediction_runs_on(
    wire: StartServer, client_of: Any, reply: Reply
) -> None:
    server = wire(reply)
    clients = [client_of(server, polling=Polling(1000, 0.05)) for _ in CALLS]
    started = time.monotonic()
    with ThreadPoolExecutor() as threads:
        errors = list(threads.map(error_of, CALLS, clients))
    assert time.monotonic() - started < DEADLINE + MARGIN
    assert [type(error) for error in errors] == [PredictionTimeout] * len(CALLS)
    for error in errors:
        assert "after the deadline of 0.3 s" in str(error)
        assert error.prediction.id == "p1"  # type: ignore[union-attr]
    assert not [request for request in server.requests if request.path.endswith("cancel")]


def test_an_image_of_the_homepage_ends_at_its_deadline(wire: StartServer) -> None:
    server = wire(lambda request: [answer({"id": "p1", "status": "processing"})])
    home = ReplicateHome(base_url=server.origin, polling=Polling(1000, 0.05))
    with pytest.raises(PredictionTimeout, match=r"deadline of 0\.3 s"):
        home.image("x", deadline=DEADLINE)


def test_a_pause_that_is_longer_than_the_time_that_remains_is_an_error_now(
    wire: StartServer, client_of: Any
) -> None:
    server = wire(lambda request: [answer({"detail": "x", "retry_after": 30}, 429)])
    started = time.monotonic()
    with pytest.raises(RateLimitError):
        client_of(server).run("a/b", deadline=5)
    assert time.monotonic() - started < MARGIN
    assert len(server.requests) == 1


def test_retries_end_at_the_deadline(wire: StartServer, client_of: Any) -> None:
    def reply(request: Request) -> list[Any]:
        return [CUT] if request.method == "GET" else [answer(running(), 201)]

    client = client_of(wire(reply), retries=Retries(attempts=1000, first=0.01, ceiling=0.02))
    started = time.monotonic()
    with pytest.raises(PredictionTimeout) as raised:
        client.predictions.create("a/b").wait(deadline=DEADLINE)
    assert time.monotonic() - started < MARGIN
    assert isinstance(raised.value.__cause__, ConnectionFailed)


@pytest.mark.parametrize("deadline", [0, -1, "5", True, float("nan")])
def test_a_deadline_that_is_no_number_above_0_is_refused_at_once(deadline: Any) -> None:
    client = Replicate()
    for call in (client.run, client.stream, client.chat, client.predictions.create):
        with pytest.raises(InvalidInputError, match="deadline must be a number of seconds"):
            call("a/b", deadline=deadline)
