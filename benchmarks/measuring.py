"""A row is measured: each peer in turn, round after round, and the medians taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from math import nan
from statistics import median
from typing import Any

from . import files, growth, local_server, many, starting, streaming, values, waiting
from .environments import python_of
from .processes import Server, Worker
from .rows import OURS, Figure, Row

ROWS: list[Row] = [
    *starting.ROWS,
    *streaming.ROWS,
    *waiting.ROWS,
    *many.ROWS,
    *files.ROWS,
    *values.ROWS,
    *growth.ROWS,
    *local_server.ROWS,
]
_QUICK = 1  # round of a look

Result = tuple[Figure, dict[str, float]]


class Bench:
    """The server, and the workers that have been needed so far."""

    def __init__(self, peers: Sequence[str], quick: bool) -> None:
        self._pythons = {peer: python_of(peer) for peer in peers}
        self._quick = quick
        self._open = ExitStack()
        self._server = self._open.enter_context(Server())
        self._workers: dict[str, Worker] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def measure(self, row: Row) -> Iterator[Result]:
        """Measure a row, and yield each of its figures with the medians by peer."""
        given = {**row.given, **(row.quick if self._quick else {})}
        rounds = min(row.rounds, _QUICK) if self._quick else row.rounds
        peers = [peer for peer in self._pythons if peer in row.peers]
        taken: dict[str, list[dict[str, float]]] = {peer: [] for peer in peers}
        for turn in range(rounds + row.warm):
            for peer in peers if turn % 2 else reversed(peers):
                if peer in taken:
                    self._take(row, peer, given, taken)
        for figure in row.figures:
            medians = {peer: median(one[figure.key] for one in found[row.warm :]) for peer, found in taken.items()}
            yield figure, {peer: medians.get(peer, nan) for peer in peers}

    def _take(self, row: Row, peer: str, given: dict[str, Any], taken: dict[str, list[dict[str, float]]]) -> None:
        """Do it once; a peer that fails is out of this row, and no other may."""
        found = self._once(row, peer, given)
        if "failed" not in found:
            taken[peer].append(found)
            return
        if peer == OURS:
            raise RuntimeError(f"{row.title}: {found['failed']}")
        del taken[peer]
        self.failures.append(f"{peer}, {row.title}: {found['failed']}")

    def _once(self, row: Row, peer: str, given: dict[str, Any]) -> dict[str, Any]:
        before = self._server.asked()
        if row.alone:
            group, _, name = row.work.partition(".")
            work: Callable[..., dict[str, float]] = getattr(import_module(f"benchmarks.{group}"), name)
            found = work(peer, self._pythons[peer], self._server.url, **given)
        elif row.fresh:
            with Worker(self._pythons[peer], peer, self._server.url) as worker:
                found = worker.asked([row.work, given])
        else:
            found = self._worker(peer).asked([row.work, given])
        after = self._server.asked()
        return {**found, **{name: after[name] - before[name] for name in after}}

    def _worker(self, peer: str) -> Worker:
        if peer not in self._workers:
            self._workers[peer] = self._open.enter_context(Worker(self._pythons[peer], peer, self._server.url))
        return self._workers[peer]


def measured(
    rows: Iterable[Row], peers: Sequence[str], quick: bool, told: Callable[[Result], None]
) -> tuple[list[Result], list[str]]:
    """Measure rows with those peers, and tell of each figure as it is known; give the figures, and what failed."""
    found = []
    with Bench(peers, quick) as bench:
        for row in rows:
            if set(row.peers) & set(peers) >= {OURS} & set(row.peers):
                for result in bench.measure(row):
                    told(result)
                    found.append(result)
        return found, bench.failures
