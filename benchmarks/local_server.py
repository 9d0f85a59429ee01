"""How much the local server can serve: predictions and streams each second, in its own process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

from . import tape
from .processes import Process
from .rows import OURS, Figure, Row, check

_WIDTH = 16


def throughput(
    peer: str, python: str, url: str, predictions: int, streams: int, words: int
) -> dict[str, float]:
    """Measure predictions that end at once, and streams of so many words, each from 16 threads."""
    from replicate_sync import Replicate  # late, as only this task needs it in the runner's process

    with _serving(python) as (server_url, token):
        client = Replicate(token, base_url=server_url)
        first = next(client.map("bench/echo", [{"count": 1}]))
        inputs = [{"count": n} for n in range(predictions)]
        began = perf_counter()
        outputs = list(client.map("bench/echo", inputs, concurrency=_WIDTH))
        prediction_seconds = perf_counter() - began
        check(first == 1 and outputs == list(range(predictions)), "other outputs")

        def stream(_: int) -> str:
            return "".join(client.stream("bench/write", {"count": words}))

        began = perf_counter()
        with ThreadPoolExecutor(_WIDTH) as pool:
            texts = list(pool.map(stream, range(streams)))
        stream_seconds = perf_counter() - began
        check(texts == [tape.words(words)] * streams, "other texts")
    return {
        "predictions": predictions / prediction_seconds,
        "streams": streams / stream_seconds,
        "events": streams * words / stream_seconds,
    }


@contextmanager
def _serving(python: str) -> Iterator[tuple[str, str]]:
    with Process(python, "benchmarks.local_server") as server:
        yield server.read_line(), server.read_line()


def main() -> None:
    """Serve two models until stdin ends."""
    from replicate_sync.server import LocalServer

    with LocalServer() as server:

        @server.model("bench/echo")
        def echo(count: int) -> int:
            return count

        @server.model("bench/write")
        def write(count: int) -> Iterator[str]:
            return map(tape.word, range(count))

        print(server.url, server.token, sep="\n", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

ROWS = [
    Row(
        "local_server.throughput",
        "the embedded server",
        (
            Figure("predictions", "the embedded server, predictions at 16", "1/s"),
            Figure("streams", "the embedded server, streams of 20 words at 16", "1/s"),
            Figure("events", "the embedded server, events of these streams", "1/s"),
        ),
        {"predictions": 1000, "streams": 200, "words": 20},
        {"predictions": 20, "streams": 4},
        (OURS,),
        rounds=3,
        alone=True,
        warm=False,
    )
]
