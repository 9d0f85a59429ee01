"""The benchmarks run, notice wrong content, and count: no test here depends on a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the benchmarks are not a part of what is installed

from benchmarks import streaming, table, waiting  # noqa: E402
from benchmarks.measuring import ROWS, measure  # noqa: E402
from benchmarks.peers.ours import Peer  # noqa: E402
from benchmarks.processes import Server  # noqa: E402
from benchmarks.rows import (  # noqa: E402
    FLOOR,
    NAIVE,
    OFFICIAL,
    OURS,
    Figure,
    Goal,
    Measurement,
    Row,
    WrongContent,
)

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(), reason="the benchmarks are for Linux"
    ),
]
MAX_CALLS = 11  # of functions and generators, for an event in a chunk of its own
HERE = [FLOOR, NAIVE, OURS]  # the peers that are always installed
Medians = Mapping[str, Mapping[str, float]]


def measure_quickly(rows: list[Row]) -> Medians:
    """Return the medians of rows by the titles of their figures."""
    results, failures = measure(rows, HERE, True, lambda result: None)
    assert failures == []
    return {
        result.figure.title: {peer: figures[0] for peer, figures in result.samples.items()}
        for result in results
    }


@pytest.fixture(scope="module")
def medians() -> Medians:
    """Return those of every row, but for the rows of processes that start."""
    return measure_quickly([row for row in ROWS if not row.alone])


def test_each_row_has_each_figure_for_each_peer(medians: Medians) -> None:
    titles = [
        (figure.title, set(row.peers)) for row in ROWS if not row.alone for figure in row.figures
    ]
    assert len(dict(titles)) == len(titles), "two figures of one name"
    for title, peers in titles:
        assert set(medians[title]) == peers & set(HERE)


def test_a_result_that_the_server_waits_for_costs_one_request_and_no_connection(
    medians: Medians,
) -> None:
    assert medians["requests for it"] == {FLOOR: 1, NAIVE: 1, OURS: 1}
    assert medians["new connections, once warm"] == {FLOOR: 0, NAIVE: 1, OURS: 0}


def test_a_map_opens_as_many_connections_as_it_has_threads(medians: Medians) -> None:
    connections = medians["500 predictions of 0.2 s at 16, connections"]
    assert connections[OURS] <= 16 < connections[NAIVE]


class Liar:
    """A peer that loses a token."""

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        yield " t0"
        yield " t2"

    def run(self, plan: dict[str, Any]) -> str:
        return "0"


@pytest.mark.parametrize(
    ("task", "arguments"),
    [(streaming.cost, {"count": 3, "piece": 0}), (streaming.long, {"size": 9, "piece": 9})],
)
def test_a_wrong_text_is_an_error_and_not_a_result(task: Any, arguments: dict[str, int]) -> None:
    with pytest.raises(WrongContent):
        task(Liar(), **arguments)


def test_a_wrong_output_is_an_error_and_not_a_result() -> None:
    with pytest.raises(WrongContent):
        waiting.result(Liar(), 0.1, held=True)


def rows_of_table(*results: tuple[Figure, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return the lines of a table that begin with "a "."""
    measurements = [Measurement(figure, samples) for figure, samples in results]
    page = table.markdown(measurements, "2026-01-01")
    return [line for line in page.splitlines() if line.startswith("| a ")]


def test_the_table_names_the_goals_that_are_missed() -> None:
    ratio = Figure("a", "a thing", "ms", Goal(0.5, OFFICIAL))
    speed = Figure("b", "a speed", "MB/s", Goal(2, OFFICIAL, least=True))
    slow, quick = rows_of_table(
        (ratio, {OURS: [3.0], OFFICIAL: [4.0]}), (speed, {OURS: [9.0], OFFICIAL: [4.0]})
    )
    assert "| ≤ 0.5 × official | **missed** |" in slow
    assert "| 0.75 |" in slow
    assert "| ≥ 2 × official | reached |" in quick


def test_the_table_does_not_judge_a_goal_beside_a_peer_that_was_not_measured() -> None:
    [line] = rows_of_table((Figure("a", "a thing", "ms", Goal(0.5, OFFICIAL)), {OURS: [3.0]}))
    assert "missed" not in line
    assert "reached" not in line


def test_a_ratio_is_that_of_each_round_as_a_busy_minute_hits_all_peers() -> None:
    figure = Figure("a", "a thing", "ms", Goal(1.0, NAIVE))
    result = Measurement(figure, {OURS: [9.0, 1.0, 20.0], NAIVE: [10.0, 2.0, 10.0]})
    assert result.ratio(NAIVE) == 0.9
    assert result.is_reached()
    assert result.spread() == pytest.approx(9.5 / 9.0)
    assert result.ratio(OFFICIAL) is None


def test_the_written_results_are_of_these_rows() -> None:
    written = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    lines = [line for line in written.splitlines() if line.startswith("| ")]
    titles = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    assert titles[1:] == [figure.title for row in ROWS for figure in row.figures]


def test_starting_is_measured_in_processes_of_their_own() -> None:
    medians = measure_quickly([row for row in ROWS if row.task.startswith("starting.")])
    modules = medians["modules imported"]
    assert modules[OURS] <= modules[NAIVE] * 0.4
    assert set(medians["peak memory then"]) == set(HERE)


def test_an_unknown_row_is_one_sentence() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "nothing of that name"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.returncode == 1
    beginning = "No row has nothing of that name in it; there are starting.package, "
    assert ran.stderr.startswith(beginning)


def count_calls(peer: Peer, events: int) -> int:
    """Return how many functions of the package a stream of so many events enters."""
    entered = 0

    def watch(frame: FrameType, happening: str, argument: object) -> None:
        nonlocal entered
        entered += happening == "call" and "replicate_sync" in frame.f_code.co_filename

    sys.setprofile(watch)
    try:
        streaming.cost(peer, events, 0)
    finally:
        sys.setprofile(None)
    return entered


def test_a_streamed_event_enters_few_functions() -> None:
    with Server() as server:
        peer = Peer(server.url)
        few = count_calls(peer, 100)
        many = count_calls(peer, 1100)
    assert (many - few) / 1000 <= MAX_CALLS
