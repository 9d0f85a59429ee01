"""What is measured, as values: a row is a task with its figures, and a figure may have a goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from statistics import median, quantiles
from typing import Any

FLOOR = "floor"
NAIVE = "naive"
HTTPX = "httpx"
OFFICIAL = "official"
BETA = "beta"
OURS = "ours"
PEERS = {
    FLOOR: "a socket",
    NAIVE: "requests + sseclient-py",
    HTTPX: "httpx + httpx-sse",
    OFFICIAL: "replicate 1.0.7",
    BETA: "replicate 2.0.0b4",
    OURS: "this package",
}
_LEAST_ROUNDS = 3  # for which a spread means something
STREAMING = (FLOOR, NAIVE, HTTPX, OFFICIAL, OURS)  # those that know event streams


@dataclass(frozen=True)
class Goal:
    """The bound of a figure: `factor` times the figure of a peer, plus `plus`; or `plus` alone.

    Attributes:
        factor: By what the peer's figure is multiplied.
        of: The peer, or None.
        plus: What is added.
        least: Whether the bound is a lower one.
    """

    factor: float = 0.0
    of: str | None = None
    plus: float = 0.0
    least: bool = False

    def __str__(self) -> str:
        terms = []
        if self.of:
            terms.append(f"{self.factor:g} × {self.of}")
        if self.plus or not terms:
            terms.append(f"{self.plus:g}")
        sign = "≥" if self.least else "≤"
        return f"{sign} {' + '.join(terms)}"


@dataclass(frozen=True)
class Figure:
    """One number of a row.

    Attributes:
        key: Its key in what the task returns.
        title: What it is.
        unit: Its unit.
        goal: Its bound, if it has one.
    """

    key: str
    title: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True)
class Measurement:
    """A figure in each round, by peer. In a round the peers took turns.

    Attributes:
        figure: What was measured.
        samples: The figures by peer; none of a peer that has failed.
    """

    figure: Figure
    samples: Mapping[str, Sequence[float]]

    def median(self, peer: str) -> float | None:
        """Return the median of a peer; None where it was not measured, NaN where it has failed."""
        if peer not in self.samples:
            return None
        return median(self.samples[peer] or [nan])

    def spread(self) -> float | None:
        """Return the interquartile range of this package over its median."""
        ours = self.samples.get(OURS, ())
        if len(ours) < _LEAST_ROUNDS or not median(ours):
            return None
        first, _, third = quantiles(ours, n=4, method="inclusive")
        return (third - first) / abs(median(ours))

    def ratio(self, other: str) -> float | None:
        """Return the median of this package's figure over a peer's, round by round."""
        pairs = self._pairs(other)
        if not pairs or min(theirs for _, theirs in pairs) <= 0:
            return None
        return median(ours / theirs for ours, theirs in pairs)

    def is_reached(self) -> bool | None:
        """Return whether the goal is reached in the median round; None where that is not known."""
        goal = self.figure.goal
        if goal is None:
            return None
        above = [ours - goal.factor * theirs for ours, theirs in self._pairs(goal.of or OURS)]
        if not above:
            return None
        if goal.least:
            return median(above) >= goal.plus
        return median(above) <= goal.plus

    def _pairs(self, other: str) -> list[tuple[float, float]]:
        """Return this package's figure beside a peer's, for each round."""
        return list(zip(self.samples.get(OURS, ()), self.samples.get(other, ()), strict=False))


@dataclass(frozen=True)
class Row:
    """A task that each peer does in turn, round after round.

    Attributes:
        task: A function of a module here, "streaming.latency", called with a peer and `arguments`.
        title: What it is.
        figures: What is measured.
        arguments: Its arguments.
        quick: What they are instead where only the counts matter.
        peers: Who does it.
        rounds: How often.
        fresh: Whether it is done in a new process each time.
        alone: Whether it is done without one, by the runner, which passes the peer's name.
        warm: Whether it is done once before it counts.
    """

    task: str
    title: str
    figures: tuple[Figure, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = tuple(PEERS)
    rounds: int = 5
    fresh: bool = False
    alone: bool = False
    warm: bool = True


class WrongContent(Exception):
    """A peer returned something else than the server sent: an error, and not a result."""


def check(is_right: bool, problem: str) -> None:
    """Raise WrongContent with this problem, unless all is right."""
    if not is_right:
        raise WrongContent(problem)
