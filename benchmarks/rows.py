"""What is measured, as values: a row is a work with its figures, and a figure may have a goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

FLOOR, NAIVE, HTTPX, OFFICIAL, BETA, OURS = "floor", "naive", "httpx", "official", "beta", "ours"
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
    """A figure's bound: `factor` times the figure of `of` and `plus`; or `plus` alone. `least`: it is a lower one."""

    factor: float = 0.0
    of: str | None = None
    plus: float = 0.0
    least: bool = False

    def __str__(self) -> str:
        parts = [f"{self.factor:g} × {self.of}"] if self.of else []
        parts += [f"{self.plus:g}"] if self.plus or not parts else []
        return ("≥ " if self.least else "≤ ") + " + ".join(parts)

    def reached(self, figures: Mapping[str, float]) -> bool | None:
        """Tell whether our figure is within the bound; None where that cannot be told."""
        if OURS not in figures or (self.of and self.of not in figures):
            return None
        bound = self.plus + (self.factor * figures[self.of] if self.of else 0.0)
        if isnan(bound):
            return None
        return figures[OURS] >= bound if self.least else figures[OURS] <= bound


@dataclass(frozen=True)
class Figure:
    """One number of a row: its key in what the work gives, what it is, its unit, and the goal."""

    key: str
    title: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True)
class Row:
    """A work that each peer does in turn, `rounds` times; the figures are medians over the rounds.

    `work` is a function of a module here, "streaming.latency", called with a peer and `given`; `quick` has what is given
    instead for a look. `fresh`: each time in a new process. `alone`: without a process, called by the runner with the peer's
    name. `warm`: once before it is counted.
    """

    work: str
    title: str
    figures: tuple[Figure, ...]
    given: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = tuple(PEERS)
    rounds: int = 5
    fresh: bool = False
    alone: bool = False
    warm: bool = True


class WrongContent(Exception):
    """A peer gave something else than the server played: that is an error, and no result."""


def check(right: bool, what: str) -> None:
    """Raise WrongContent unless it is right."""
    if not right:
        raise WrongContent(what)
