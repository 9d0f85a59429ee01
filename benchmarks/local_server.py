"""How much the embedded server can serve: predictions and streams each second, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

from . import tape
from .processes import Process
from .rows import OURS, Figure, Row, check

_WIDTH = 16


def throughput(peer: str, python: str, url: str, predictions: int, streams: int, words: int) -> dict[str, float]:
    """Measure predictions that are over at once, and streams of that many words, each from 16 threads."""
    from replicate_sync import Replicate  # late, as only this work needs it in the runner's own process

    with _served(python) as (address, token):
        client = Replicate(token, base_url=address)
        one = next(client.map("bench/echo", [{"count": 1}]))
        began = perf_counter()
        given = list(client.map("bench/echo", [{"count": n} for n in range(predictions)], concurrency=_WIDTH))
        each = predictions / (perf_counter() - began)
        check(one == 1 and given == list(range(predictions)), "the outputs are others")
        began = perf_counter()
        with ThreadPoolExecutor(_WIDTH) as pool:
            texts = list(pool.map(lambda n: "".join(client.stream("bench/write", {"count": words})), range(streams)))
        took = perf_counter() - began
        check(texts == [tape.words(words)] * streams, "the texts are others")
        return {"predictions": each, "streams": streams / took, "events": streams * words / took}


@contextmanager
def _served(python: str) -> Iterator[tuple[str, str]]:
    with Process(python, "benchmarks.local_server") as server:
        yield server.told(), server.told()


def main() -> None:
    """Serve two models until stdin ends."""
    import sys

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
