"""`deadline=` bounds the whole, whatever happens in it, and a pause that the API asks of one thread is kept by all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from wire import CHUNKED, CUT, TOKEN, Request, Wire, answer, chunk, event

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

Start = Callable[[Callable[[Request], Any]], Wire]


def endless(request: Request, **more: Any) -> dict[str, Any]:
    return {"id": "p1", "status": "processing", "model": "a/b", "input": {}, "output": None, **more}


def streaming(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        for n in range(1000):
            yield chunk(event("word ", n))
            yield 0.02
    else:
        yield answer(endless(request, urls={"stream": f"http://{request.headers['host']}/s"}), 201)


def silent_stream(request: Request) -> Iterable[Any]:
    if request.path == "/s":
        yield CHUNKED
        yield 20.0
    else:
        yield from streaming(request)


def held(request: Request) -> Iterable[Any]:
    if request.path == "/v1/predictions":
        yield answer({"next": None, "results": [endless(request)]})
    else:
        yield 20.0


@pytest.mark.parametrize(
    "server",
    [lambda r: [answer(endless(r), 201)], streaming, silent_stream, held],
    ids=["polled", "streams", "silent", "held"],
)
@pytest.mark.parametrize("call", ["run", "stream", "chat", "wait"])
def test_the_whole_ends_at_its_deadline_with_the_prediction_running_on(
    wire: Start, client_of: Any, server: Any, call: str
) -> None:
    started = wire(server)
    client: Replicate = client_of(started, polling=Polling(1000, 0.1))
    calls: dict[str, Callable[[], Any]] = {
        "run": lambda: client.run("a/b", deadline=0.3),
        "stream": lambda: list(client.stream("a/b", deadline=0.3)),
        "chat": lambda: list(client.chat("hi", "a/b", deadline=0.3, extra_data={})),
        "wait": lambda: client.predictions.create("a/b", deadline=0.3).wait(deadline=0.3),
    }
    if server is held and call == "chat":
        pytest.skip("its input is another than the one that the list shows")
    began = time.monotonic()
    with pytest.raises(PredictionTimeout, match=r"after the deadline of 0.3 s.*wait\(\)") as raised:
        calls[call]()
    assert time.monotonic() - began < 2.5
    assert raised.value.prediction.id == "p1"
    assert not [r for r in started.requests if r.path.endswith("cancel")]


def test_a_home_keeps_its_deadline_too(wire: Start) -> None:
    server = wire(lambda r: [answer({"id": "p1", "status": "processing"})])
    with pytest.raises(PredictionTimeout, match=r"deadline of 0\.3 s"):
        ReplicateHome(base_url=server.origin, polling=Polling(1000, 0.05)).image("x", deadline=0.3)


def test_a_wait_that_is_longer_than_what_is_left_is_an_error_now(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer({"detail": "x", "retry_after": 30}, 429)])
    began = time.monotonic()
    with pytest.raises(RateLimitError):
        client_of(server).run("a/b", deadline=5)
    assert time.monotonic() - began < 1
    assert len(server.requests) == 1


def test_retries_do_not_go_on_behind_the_deadline(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [CUT] if r.method == "GET" else [answer(endless(r), 201)])
    client = client_of(server, retries=Retries(attempts=1000, first=0.05, ceiling=0.1))
    began = time.monotonic()
    with pytest.raises(PredictionTimeout) as raised:
        client.predictions.create("a/b").wait(deadline=0.5)
    assert time.monotonic() - began < 2
    assert isinstance(raised.value.__cause__, ConnectionFailed)


@pytest.mark.parametrize("deadline", [0, -1, "5", True, float("nan")])
def test_a_deadline_that_is_none_is_refused_at_once(deadline: Any) -> None:
    client = Replicate()
    for call in (client.run, client.stream, client.chat):
        with pytest.raises(InvalidInputError, match="deadline"):
            call("a/b", deadline=deadline)


def test_when_one_thread_is_told_to_wait_all_of_them_do(wire: Start, client_of: Any) -> None:
    times: list[float] = []
    lock = threading.Lock()

    def busy_at_first(request: Request) -> list[Any]:
        with lock:
            times.append(time.monotonic())
            first = len(times) == 1
        return [
            answer({"detail": "x", "retry_after": 0.6}, 429) if first else answer(endless(request, status="succeeded"), 201)
        ]

    client = client_of(wire(busy_at_first))
    threads = [threading.Thread(target=client.run, args=("a/b",)) for _ in range(8)]
    threads[0].start()
    while not times:
        time.sleep(0.005)
    time.sleep(0.1)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 9
    assert min(times[1:]) - times[0] >= 0.55


def test_each_request_and_each_retry_has_its_line_in_the_log(
    wire: Start, client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "replicate_sync")
    server = wire(
        lambda r: [answer({"detail": "x"}, 503) if len(server.requests) == 1 else answer(endless(r, status="succeeded"))]
    )
    client_of(server).predictions.get("p1")
    client_of(server).run("a/b", {"prompt": "nobody else's business"})
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "replicate_sync"]
    assert [level for level, _ in lines] == ["DEBUG", "WARNING", "DEBUG", "DEBUG"]
    assert lines[0][1].startswith("GET /v1/predictions/p1: 503 in ")
    assert "attempt 1 failed, the next one in " in lines[1][1]
    assert lines[3][1].startswith("POST /v1/models/a/b/predictions: 200 in ")
    assert "business" not in caplog.text
    assert TOKEN not in caplog.text
