"""Rows are measured: each peer in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from . import files, growth, journals, local_server, many, starting, streaming, values, waiting
from .environments import python_of
from .processes import Server, Worker
from .rows import OURS, Measurement, Row

ROWS: list[Row] = [
    *starting.ROWS,
    *streaming.ROWS,
    *waiting.ROWS,
    *many.ROWS,
    *files.ROWS,
    *values.ROWS,
    *growth.ROWS,
    *journals.ROWS,
    *local_server.ROWS,
]

_Samples = dict[str, list[dict[str, float]]]
"""What the task returned in each round, by peer."""


class Bench:
    """The server, and the workers that have been needed so far.

    Args:
        peers: Who is measured.
        quick: Whether to measure small tasks, once.
    """

    def __init__(self, peers: Sequence[str], quick: bool) -> None:
        self._pythons = {peer: python_of(peer) for peer in peers}
        self._quick = quick
        self._open = ExitStack()
        self._server = self._open.enter_context(Server())
        self._workers: dict[str, Worker] = {}
        #: What failed, as sentences.
        self.failures: list[str] = []

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def measure(self, row: Row) -> Iterator[Measurement]:
        """Measure a row, and yield each of its figures as measured."""
        arguments = dict(row.arguments)
        rounds = row.rounds
        if self._quick:
            arguments.update(row.quick)
            rounds = 1
        peers = [peer for peer in self._pythons if peer in row.peers]
        samples: _Samples = {peer: [] for peer in peers}
        for turn in range(rounds + row.warm):
            for peer in peers if turn % 2 else reversed(peers):
                if peer in samples:
                    self._sample(row, peer, arguments, samples)
        for figure in row.figures:
            figures: dict[str, list[float]] = {peer: [] for peer in peers}
            for peer, results in samples.items():
                figures[peer] = [result[figure.key] for result in results[row.warm :]]
            yield Measurement(figure, figures)

    def _sample(self, row: Row, peer: str, arguments: dict[str, Any], samples: _Samples) -> None:
        """Do the task once. A peer that fails is out of this row; this package must not fail."""
        result = self._do(row, peer, arguments)
        if "failed" not in result:
            samples[peer].append(result)
            return
        if peer == OURS:
            raise RuntimeError(f"{row.title}: {result['failed']}")
        del samples[peer]
        self.failures.append(f"{peer}, {row.title}: {result['failed']}")

    def _do(self, row: Row, peer: str, arguments: dict[str, Any]) -> dict[str, Any]:
        before = self._server.request()
        result: dict[str, Any]
        if row.alone:
            module, _, name = row.task.partition(".")
            task: Callable[..., dict[str, float]]
            task = getattr(import_module(f"benchmarks.{module}"), name)
            result = task(peer, self._pythons[peer], self._server.url, **arguments)
        elif row.fresh:
            with Worker(self._pythons[peer], peer, self._server.url) as worker:
                result = worker.request([row.task, arguments])
        else:
            result = self._worker(peer).request([row.task, arguments])
        after = self._server.request()
        return {**result, **{name: after[name] - before[name] for name in after}}

    def _worker(self, peer: str) -> Worker:
        if peer not in self._workers:
            worker = Worker(self._pythons[peer], peer, self._server.url)
            self._workers[peer] = self._open.enter_context(worker)
        return self._workers[peer]


def measure(
    rows: Iterable[Row],
    peers: Sequence[str],
    quick: bool,
    on_result: Callable[[Measurement], None],
) -> tuple[list[Measurement], list[str]]:
    """Measure rows.

    Args:
        rows: The rows.
        peers: Who is measured.
        quick: Whether to measure small tasks, once.
        on_result: Called with each figure as soon as it is measured.

    Returns:
        The figures as measured, and what failed.
    """
    results = []
    with Bench(peers, quick) as bench:
        for row in rows:
            is_ours = OURS in row.peers
            if is_ours and OURS not in peers:
                continue
            for result in bench.measure(row):
                on_result(result)
                results.append(result)
        return results, bench.failures
