"""What is measured, as values: a row is a task with its figures, and a figure may have a goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
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

    def is_reached(self, figures: Mapping[str, float]) -> bool | None:
        """Return whether our figure is within the bound, or None where that is not known."""
        if OURS not in figures:
            return None
        bound = self.plus
        if self.of:
            bound += self.factor * figures.get(self.of, float("nan"))
        if isnan(bound):
            return None
        if self.least:
            return figures[OURS] >= bound
        return figures[OURS] <= bound


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
class Row:
    """A task that each peer does in turn; the figures are medians over the rounds.

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
