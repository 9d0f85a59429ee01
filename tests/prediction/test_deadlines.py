"""A deadline bounds the whole call, whatever happens in it, and the prediction runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import pytest
from wire import CHUNKED, CUT, MakeClient, Request, StartWire, chunk, event, response

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
from replicate_sync.server import LocalServer

Respond = Callable[[Request], Iterable[Any]]

DEADLINE = 1.0  # seconds
MARGIN = 2.5  # seconds that a busy machine may take longer


def running(**fields: Any) -> dict[str, Any]:
    """Return a prediction that is running, as the API describes it."""
    data = {"id": "p1", "status": "processing", "model": "a/b", "input": {}, "output": None}
    return {**data, **fields}


def without_stream(request: Request) -> Iterable[Any]:
    yield response(running(), 201)


def with_stream(request: Request) -> bytes:
    stream_url = f"http://{request.headers['host']}/s"
    return response(running(urls={"stream": stream_url}), 201)


def with_text(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        for number in range(1000):
            yield chunk(event("word ", number))
            yield 0.02
    yield with_stream(request)


def with_silent_stream(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        yield 20.0
    yield with_stream(request)


def with_held_responses(request: Request) -> Iterable[Any]:
    yield 20.0


def listing(respond: Respond) -> Respond:
    """Return what responds likewise, has the model, and lists what a late create has created."""

    def respond_or_list(request: Request) -> Iterable[Any]:
        if request.method == "GET" and request.path == "/v1/predictions":
            listed = [running(id=f"p{n}") for n in (1, 2, 3)]  # of each call one
            listed.append(running(id="p4", input={"prompt": "hi"}))
            return [response({"next": None, "results": listed})]
        if request.path == "/v1/models/a/b":  # which a chat asks for before it creates
            return [response({"owner": "a", "name": "b"})]
        return respond(request)

    return respond_or_list


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "respond", [without_stream, with_text, with_silent_stream, with_held_responses]
)
def test_each_call_ends_at_its_deadline_and_the_prediction_runs_on(
    wire: StartWire, client_of: MakeClient, respond: Respond
) -> None:
    server = wire(listing(respond))
    clients = [client_of(server, polling=Polling(1000, 0.05)) for _ in CALLS]
    started = time.monotonic()
    with ThreadPoolExecutor() as threads:
        errors = list(threads.map(error_of, CALLS, clients))
    assert time.monotonic() - started < DEADLINE + MARGIN
    assert [type(error) for error in errors] == [PredictionTimeout] * len(CALLS)
    for error in errors:
        assert f"after the deadline of {DEADLINE:g} s" in str(error)
        assert error.prediction.id in ("p1", "p2", "p3", "p4")  # type: ignore[union-attr]
    assert not [request for request in server.requests if request.path.endswith("cancel")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stream", "chat", "home.chat"])
def test_the_deadline_of_a_generator_counts_from_the_first_next(
    wire: StartWire, client_of: MakeClient, name: str
) -> None:
    server = wire(lambda request: [response(running(status="succeeded", output="hi"), 201)])
    if name == "home.chat":
        texts = ReplicateHome(base_url=server.origin).chat("x", deadline=DEADLINE)
    elif name == "chat":
        texts = client_of(server).chat("x", "a/b", deadline=DEADLINE)
    else:
        texts = client_of(server).stream("a/b", deadline=DEADLINE)
    time.sleep(DEADLINE + 0.05)
    assert list(texts) == ["hi"]


@pytest.mark.slow
def test_an_image_of_the_homepage_ends_at_its_deadline(wire: StartWire) -> None:
    server = wire(lambda request: [response({"id": "p1", "status": "processing"})])
    home = ReplicateHome(base_url=server.origin, polling=Polling(1000, 0.05))
    with pytest.raises(PredictionTimeout, match=r"deadline of 0\.2 s"):
        home.image("x", deadline=0.2)


def test_a_pause_that_is_longer_than_the_time_that_remains_is_an_error_now(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda request: [response({"detail": "x", "retry_after": 30}, 429)])
    started = time.monotonic()
    with pytest.raises(RateLimitError):
        client_of(server).run("a/b", deadline=5)
    assert time.monotonic() - started < MARGIN
    assert len(server.requests) == 1


@pytest.mark.slow
def test_retries_end_at_the_deadline(wire: StartWire, client_of: MakeClient) -> None:
    def reply(request: Request) -> list[Any]:
        return [CUT] if request.method == "GET" else [response(running(), 201)]

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


@pytest.mark.parametrize("seconds", [10**400, 1e300, inf])
def test_a_deadline_may_be_as_far_as_one_likes(seconds: float) -> None:
    with LocalServer() as server:
        client = Replicate(server.token, base_url=server.url)
        greeting = client.run("replicate/hello-world", {"text": "a"}, deadline=seconds)
    assert greeting == "hello a"
