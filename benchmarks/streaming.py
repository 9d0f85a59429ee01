"""How late a token comes, and what it costs."""

from __future__ import annotations

from statistics import quantiles
from time import perf_counter, process_time
from typing import Any

from . import tape
from .rows import NAIVE, OFFICIAL, STREAMING, Figure, Goal, Row, check


def latency(peer: Any, count: int, pace: float, closed: bool) -> dict[str, float]:
    """Measure from the time at which an event is sent to the time at which its text is here."""
    delays = []
    positions = []
    plan = {"kind": "events", "count": count, "pace": pace, "closed": closed}
    for text in peer.stream(plan):
        now = perf_counter()
        position, _, sent = text.partition(":")
        delays.append(1000 * (now - float(sent)))
        positions.append(int(position))
    check(positions == list(range(count)), f"{len(positions)} tokens of {count}")
    cuts = quantiles(delays, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


def cost(peer: Any, count: int, piece: int) -> dict[str, float]:
    """Measure the processor time of a token that is not waited for."""
    plan = {"kind": "events", "count": count, "piece": piece}
    began = process_time()
    texts = list(peer.stream(plan))
    seconds = process_time() - began
    check("".join(texts) == tape.words(count), "another text")
    return {"us": 1e6 * seconds / count}


def long(peer: Any, size: int, piece: int) -> dict[str, float]:
    """Measure one event of that size, cut into pieces."""
    began = perf_counter()
    texts = list(peer.stream({"kind": "long", "size": size, "piece": piece}))
    seconds = perf_counter() - began
    check("".join(texts) == tape.long_text(size), "another text")
    return {"ms": 1000 * seconds}


def whole(peer: Any, count: int) -> dict[str, float]:
    """Stream a text to its end, for the count of what that takes."""
    texts = list(peer.stream({"kind": "events", "count": count}))
    check("".join(texts) == tape.words(count), "another text")
    return {}


def _latency_row(title: str, closed: bool, p50: Goal, p99: Goal) -> Row:
    return Row(
        "streaming.latency",
        title,
        (Figure("p50", f"{title}, p50", "ms", p50), Figure("p99", f"{title}, p99", "ms", p99)),
        {"count": 200, "pace": 0.004, "closed": closed},
        {"count": 20},
        STREAMING,
        rounds=15,
    )


def _cost_row(title: str, piece: int, factor: float) -> Row:
    return Row(
        "streaming.cost",
        title,
        (Figure("us", title, "µs", Goal(factor, OFFICIAL)),),
        {"count": 20_000, "piece": piece},
        {"count": 200},
        STREAMING,
        rounds=7,
    )


def _long_row(title: str, piece: int) -> Row:
    # No round to get warm, as a naive reader takes long: the median leaves out the one in which the
    # text is made.
    return Row(
        "streaming.long",
        title,
        (Figure("ms", title, "ms", Goal(plus=50)),),
        {"size": 5_000_000, "piece": piece},
        {"size": 20_000},
        STREAMING,
        rounds=7,
        warm=False,
    )


_WHOLE = "a streamed prediction"

ROWS = [
    _latency_row("stream latency, chunked", False, Goal(1.0, NAIVE), Goal(1.1, NAIVE)),
    _latency_row("stream latency, close-delimited", True, Goal(1.0, OFFICIAL), Goal(1.0, OFFICIAL)),
    Row(
        "streaming.whole",
        _WHOLE,
        (
            Figure("requests", f"{_WHOLE}, requests", "", Goal(plus=2)),
            Figure("connections", f"{_WHOLE}, new connections once warm", "", Goal(plus=0)),
        ),
        {"count": 200},
        {"count": 20},
        STREAMING,
    ),
    _cost_row("processor time of an event, one in a chunk", 0, 0.12),
    _cost_row("processor time of an event, in chunks of 16 kB", 16384, 0.15),
    _long_row("one event of 5 MB, in chunks of 1 kB", 1024),
    _long_row("one event of 5 MB, in chunks of 16 kB", 16384),
    _long_row("one event of 5 MB, in one chunk", 10_000_000),
]
