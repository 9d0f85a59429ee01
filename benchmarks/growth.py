"""What a token or a prediction costs when there are many of them: the same, if all is linear.

Ten times as many would cost ten times as much each if anything were quadratic; up to twice is what memory and caches take.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

from . import tape
from .many import plans
from .rows import OFFICIAL, OURS, Figure, Goal, Row, check


def streams(peer: Any, powers: list[int]) -> dict[str, float]:
    """Measure the processor time of a token in texts of 10, 100, 1,000 … tokens."""

    def stream(count: int) -> None:
        text = "".join(peer.stream({"kind": "events", "count": count}))
        check(text == tape.words(count), "the text is another one")

    return _costs(stream, powers, max(powers))


def maps(peer: Any, powers: list[int]) -> dict[str, float]:
    """Measure the processor time of a prediction among 10, 100, 1,000 … of them."""

    def map_(count: int) -> None:
        check(sum(1 for _ in peer.many(plans(count, 0.0), 8)) == count, "some are missing")

    return _costs(map_, powers, min(powers) + 1)


def _costs(work: Callable[[int], None], powers: list[int], even: int) -> dict[str, float]:
    """Measure works of 10^power things; what is less than 10^`even` of them so often that it takes as long."""
    found = {}
    for step, power in enumerate(powers):
        times = 10 ** max(0, even - power)
        began = process_time()
        for _ in range(times):
            work(10**power)
        found[f"step{step}"] = 1e6 * (process_time() - began) / 10**power / times
    return {**found, "growth": found[f"step{step}"] / found[f"step{step - 1}"]}


def _row(work: str, what: str, among: str, powers: list[int], rounds: int) -> Row:
    figures = [
        Figure(f"step{step}", f"processor time of {what}, 10^{power} {among}", "µs") for step, power in enumerate(powers)
    ]
    growth = Figure("growth", f"the last over the one before, {among}", "×", Goal(plus=2))
    given, quick = {"powers": powers}, {"powers": list(range(len(powers)))}
    return Row(f"growth.{work}", what, (*figures, growth), given, quick, (OFFICIAL, OURS), rounds, warm=False)


ROWS = [
    _row("streams", "an event", "in a stream", [2, 3, 4, 5], rounds=3),
    _row("maps", "a prediction", "in a map", [2, 3, 4, 5], rounds=1),  # which takes minutes
]
