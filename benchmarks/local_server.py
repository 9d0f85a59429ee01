"""How much the local server can serve, and what it takes; the load is made in another process."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

from . import tape
from .processes import Process
from .rows import OURS, Figure, Goal, Row, check

_WIDTH = 16
_PREDICT = "/v1/models/bench/echo/predictions"
_WRITE = "/v1/models/bench/write/predictions"


class _Server(NamedTuple):
    """A server that runs.

    Attributes:
        port: Its port.
        token: Its token.
        seconds: How long it took to be there, from the start of its Python.
        megabytes: How much memory it had then.
    """

    port: int
    token: str
    seconds: float
    megabytes: float


def throughput(
    peer: str, python: str, url: str, predictions: int, streams: int, words: int
) -> dict[str, float]:
    """Measure predictions that end at once, and streams of so many words, each at 16.

    It is bare HTTP on connections that are kept, so that it is the server which is measured.
    """
    with _serving(python) as server:
        _at_16(_predict, server, _WIDTH)  # its imports that are late, and its threads
        prediction_rate = _at_16(_predict, server, predictions)

        def write(one: _Server, numbers: range) -> None:
            _stream(one, len(numbers), words)

        stream_rate = _at_16(write, server, streams)
    return {
        "predictions": prediction_rate,
        "streams": stream_rate,
        "events": stream_rate * words,
        "up": server.seconds,
        "idle": server.megabytes,
    }


def _at_16(task: Callable[[_Server, range], None], server: _Server, count: int) -> float:
    """Return how many of the numbers below the count are done each second."""
    parts = [range(first, count, _WIDTH) for first in range(_WIDTH)]
    began = perf_counter()
    with ThreadPoolExecutor(_WIDTH) as pool:
        list(pool.map(lambda numbers: task(server, numbers), parts))
    return count / (perf_counter() - began)


def _predict(server: _Server, numbers: range) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for number in numbers:
        prediction = _create(connection, server, _PREDICT, number, {"Prefer": "wait"})
        check(prediction["output"] == number, "another output")
    connection.close()


def _stream(server: _Server, count: int, words: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(count):
        prediction = _create(connection, server, _WRITE, words, {})
        path = prediction["urls"]["stream"].partition(str(server.port))[2]
        check(_read(server, path) == tape.words(words), "another text")
    connection.close()


def _create(
    connection: http.client.HTTPConnection,
    server: _Server,
    path: str,
    count: int,
    headers: dict[str, str],
) -> dict[str, Any]:
    headers |= {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps({"input": {"count": count}}), headers)
    response = connection.getresponse()
    body = response.read()
    check(response.status == 201, f"{response.status}: {body!r}")
    prediction: dict[str, Any] = json.loads(body)
    return prediction


def _read(server: _Server, path: str) -> str:
    """Return the text of a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", path)
    text = ""
    for line in connection.getresponse():
        if line == b"event: done\n":
            break
        if line.startswith(b"data: "):
            text += line[6:-1].decode()
    connection.close()
    return text


@contextmanager
def _serving(python: str) -> Iterator[_Server]:
    began = perf_counter()
    with Process(python, "benchmarks.served_models") as server:
        port, token, megabytes = json.loads(server.read_line())
        yield _Server(port, token, perf_counter() - began, megabytes)


ROWS = [
    Row(
        "local_server.throughput",
        "the embedded server",
        (
            Figure(
                "predictions",
                "the embedded server, predictions at 16",
                "1/s",
                Goal(plus=1000, least=True),
            ),
            Figure(
                "streams",
                "the embedded server, streams of 20 words at 16",
                "1/s",
                Goal(plus=400, least=True),
            ),
            Figure("events", "the embedded server, events of these streams", "1/s"),
            Figure("up", "the embedded server, until it is up", "s", Goal(plus=0.3)),
            Figure("idle", "the embedded server, idle", "MB", Goal(plus=40)),
        ),
        {"predictions": 5000, "streams": 1000, "words": 20},
        {"predictions": 20, "streams": 4},
        (OURS,),
        rounds=3,
        alone=True,
        warm=False,
    )
]
