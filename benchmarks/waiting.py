"""How long after its true end a result is here, and in how many requests."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from .rows import FLOOR, HTTPX, NAIVE, OFFICIAL, OURS, Figure, Goal, Row, check

_TOLERANCE = 0.001  # seconds


def result(peer: Any, seconds: float, held: bool, stream: bool = True) -> dict[str, float]:
    """Measure from the end of a prediction, which is its output, to the arrival of that output."""
    began = perf_counter()
    plan = {"kind": "timed", "seconds": seconds, "held": held, "stream": stream}
    ended = float(peer.run(plan))
    now = perf_counter()
    is_possible = began + seconds <= ended + _TOLERANCE <= now + _TOLERANCE
    check(is_possible, "the output is not the time at which it ended")
    return {"ms": 1000 * (now - ended)}


def _unheld_row(seconds: float, rounds: int) -> Row:
    title = f"result of a job of {seconds} s past its end, without server wait"
    return Row(
        "waiting.result",
        title,
        (Figure("ms", title, "ms", Goal(plus=30)),),
        {"seconds": seconds, "held": False},
        {"seconds": 0.05},
        rounds=rounds,
    )


def _polled_row(seconds: float, rounds: int) -> Row:
    title = f"result of a job of {seconds:g} s past its end, only polled"
    return Row(
        "waiting.result",
        title,
        (
            Figure("ms", title, "ms", Goal(1.0, OFFICIAL, plus=120 * seconds)),
            Figure("requests", f"requests for it, {seconds:g} s", "", Goal(1.0, OFFICIAL)),
        ),
        {"seconds": seconds, "held": False, "stream": False},
        {"seconds": 0.0},
        (FLOOR, NAIVE, HTTPX, OFFICIAL, OURS),
        rounds=rounds,
        warm=False,
    )


_HELD = "result past its end, the server waiting"
_FIRST = "result of the first call of a process past its end, 0.3 s"

ROWS = [
    Row(
        "waiting.result",
        _HELD,
        (
            Figure("ms", _HELD, "ms", Goal(1.0, FLOOR, plus=2.0)),
            Figure("requests", "requests for it", "", Goal(plus=1)),
            Figure("connections", "new connections, once warm", "", Goal(plus=0)),
        ),
        {"seconds": 0.1, "held": True},
        {"seconds": 0.05},
        rounds=15,
    ),
    Row(
        "waiting.result",
        _FIRST,
        (Figure("ms", _FIRST, "ms", Goal(plus=4)),),
        {"seconds": 0.3, "held": True},
        {"seconds": 0.05},
        rounds=15,
        fresh=True,
        warm=False,
    ),
    _unheld_row(0.3, 5),
    _unheld_row(1.3, 2),
    _unheld_row(3.1, 2),
    _polled_row(0.1, 5),
    _polled_row(1, 5),
    _polled_row(2.5, 3),
    _polled_row(8, 1),
    _polled_row(30, 1),
]
