"""How late a token comes, and what it costs."""

from __future__ import annotations

from statistics import quantiles
from time import perf_counter, process_time
from typing import Any

from . import tape
from .rows import NAIVE, OFFICIAL, STREAMING, Figure, Goal, Row, check


def latency(peer: Any, count: int, pace: float, closed: bool) -> dict[str, float]:
    """Measure from the moment that an event is sent to the moment that its text is here."""
    late, places = [], []
    for text in peer.stream({"kind": "events", "count": count, "pace": pace, "closed": closed}):
        now = perf_counter()
        place, _, sent = text.partition(":")
        late.append(1000 * (now - float(sent)))
        places.append(int(place))
    check(places == list(range(count)), f"{len(places)} tokens came, not the {count} that were sent")
    cuts = quantiles(late, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


def cost(peer: Any, count: int, piece: int) -> dict[str, float]:
    """Measure the processor time of a token that does not keep anybody waiting."""
    plan = {"kind": "events", "count": count, "piece": piece}
    began = process_time()
    texts = list(peer.stream(plan))
    spent = process_time() - began
    check("".join(texts) == tape.words(count), "the text is another one")
    return {"us": 1e6 * spent / count}


def long(peer: Any, size: int, piece: int) -> dict[str, float]:
    """Measure one event of that size, cut into pieces."""
    began = perf_counter()
    texts = list(peer.stream({"kind": "long", "size": size, "piece": piece}))
    took = perf_counter() - began
    check("".join(texts) == tape.long_text(size), "the text is another one")
    return {"ms": 1000 * took}


def _late(title: str, closed: bool, factor: float, of: str) -> Row:
    figures = tuple(Figure(key, f"{title}, {key}", "ms", Goal(factor, of)) for key in ("p50", "p99"))
    given = {"count": 200, "pace": 0.004, "closed": closed}
    return Row("streaming.latency", title, figures, given, {"count": 20}, STREAMING, rounds=15)


def _costs(title: str, piece: int, factor: float) -> Row:
    figure = Figure("us", title, "µs", Goal(factor, OFFICIAL))
    return Row("streaming.cost", title, (figure,), {"count": 20_000, "piece": piece}, {"count": 200}, STREAMING, rounds=7)


def _longs(title: str, piece: int) -> Row:
    given, quick = {"size": 5_000_000, "piece": piece}, {"size": 20_000}
    figure = Figure("ms", title, "ms", Goal(plus=50))
    # With no round to get warm, as a naive reader takes long: the median leaves out the one in which the text is made.
    return Row("streaming.long", title, (figure,), given, quick, STREAMING, rounds=7, warm=False)


ROWS = [
    _late("stream latency, chunked", False, 1.2, NAIVE),
    _late("stream latency, close-delimited", True, 1.0, OFFICIAL),
    _costs("processor time of an event, one in a chunk", 0, 0.25),
    _costs("processor time of an event, in chunks of 16 kB", 16384, 0.45),
    _longs("one event of 5 MB, in chunks of 1 kB", 1024),
    _longs("one event of 5 MB, in chunks of 16 kB", 16384),
    _longs("one event of 5 MB, in one chunk", 10_000_000),
]
