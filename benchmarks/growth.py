"""What a token or a prediction costs when there are many of them: the same, if all is linear.

Ten times as many would cost ten times as much each if anything were quadratic; up to twice is what
memory and caches take.
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
        check(text == tape.words(count), "another text")

    return _measure_costs(stream, powers, max(powers))


def maps(peer: Any, powers: list[int]) -> dict[str, float]:
    """Measure the processor time of a prediction among 10, 100, 1,000 … of them."""

    def map_all(count: int) -> None:
        check(sum(1 for _ in peer.many(plans(count, 0.0), 8)) == count, "some are missing")

    return _measure_costs(map_all, powers, min(powers) + 1)


def _measure_costs(
    task: Callable[[int], None], powers: list[int], longest: int
) -> dict[str, float]:
    """Return the processor time of each of 10^power things, for each power.

    Args:
        task: Does so many of them.
        powers: The powers.
        longest: Less than 10^longest things are done so often that it takes as long.
    """
    costs = []
    for power in powers:
        times = 10 ** max(0, longest - power)
        began = process_time()
        for _ in range(times):
            task(10**power)
        costs.append(1e6 * (process_time() - began) / 10**power / times)
    result = {f"step{step}": cost for step, cost in enumerate(costs)}
    return {**result, "growth": costs[-1] / costs[-2]}


def _row(task: str, what: str, among: str, powers: list[int], rounds: int) -> Row:
    costs = [
        Figure(f"step{step}", f"processor time of {what}, 10^{power} {among}", "µs")
        for step, power in enumerate(powers)
    ]
    growth = Figure("growth", f"the last over the one before, {among}", "×", Goal(plus=2))
    return Row(
        f"growth.{task}",
        what,
        (*costs, growth),
        {"powers": powers},
        {"powers": list(range(len(powers)))},
        (OFFICIAL, OURS),
        rounds,
        warm=False,
    )


ROWS = [
    _row("streams", "an event", "in a stream", [2, 3, 4, 5], rounds=3),
    _row("maps", "a prediction", "in a map", [2, 3, 4, 5], rounds=1),  # which takes minutes
]
