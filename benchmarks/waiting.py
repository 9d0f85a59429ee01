"""How long after its true end a result is here, and in how many requests."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from .rows import FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, Figure, Goal, Row, check


def result(peer: Any, seconds: float, held: bool, stream: bool = True) -> dict[str, float]:
    """Measure from the end of a prediction, which is its output, to the moment that this output is here."""
    began = perf_counter()
    ended = float(peer.run({"kind": "timed", "seconds": seconds, "held": held, "stream": stream}))
    now = perf_counter()
    check(began + seconds <= ended + 0.001 <= now + 0.001, "the output is not the time at which it ended")
    return {"ms": 1000 * (now - ended)}


def _row(title: str, figures: tuple[Figure, ...], rounds: int, **given: Any) -> Row:
    return Row("waiting.result", title, figures, given, {"seconds": 0.05}, rounds=rounds)


def _unheld(seconds: float, rounds: int) -> Row:
    title = f"result of a job of {seconds} s past its end, without server wait"
    figure = Figure("ms", title, "ms", Goal(plus=30))
    return _row(title, (figure,), rounds, seconds=seconds, held=False)


_HELD = "result past its end, the server waiting"
_NO_STREAM = "the same, 1.3 s, and no stream address either"

ROWS = [
    _row(
        _HELD,
        (
            Figure("ms", _HELD, "ms", Goal(1.0, FLOOR, plus=2.0)),
            Figure("requests", "requests for it", "", Goal(plus=1)),
            Figure("connections", "new connections, once warm", "", Goal(plus=0)),
        ),
        rounds=15,
        seconds=0.1,
        held=True,
    ),
    _unheld(0.3, 5),
    _unheld(1.3, 2),
    _unheld(3.1, 2),
    Row(
        "waiting.result",
        _NO_STREAM,
        (Figure("ms", _NO_STREAM, "ms"),),
        {"seconds": 1.3, "held": False, "stream": False},
        {"seconds": 0.0},
        (FLOOR, NAIVE, HTTPX, OFFICIAL, OURS),
        rounds=1,
        warm=False,
    ),
]
