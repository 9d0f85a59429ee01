"""The benchmarks run, notice wrong content, and count: nothing here looks at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of what is installed

from benchmarks import streaming, table, waiting  # noqa: E402
from benchmarks.measuring import ROWS, measured  # noqa: E402
from benchmarks.peers.ours import Peer  # noqa: E402
from benchmarks.processes import Server  # noqa: E402
from benchmarks.rows import FLOOR, NAIVE, OFFICIAL, OURS, Figure, Goal, WrongContent  # noqa: E402

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(), reason="the benchmarks are for Linux"
    ),
]
STEPS = 11  # of functions and generators, for an event in a chunk of its own
Figures = Mapping[str, Mapping[str, float]]


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Every row but those of processes that start, in its small size, of the peers that are always here."""
    rows = [row for row in ROWS if not row.alone]
    return {
        figure.title: by
        for figure, by in measured(rows, [FLOOR, NAIVE, OURS], True, lambda result: None)[0]
    }


def test_each_row_gives_each_figure_for_each_peer_that_is_here(figures: Figures) -> None:
    told = [
        (figure.title, set(row.peers)) for row in ROWS if not row.alone for figure in row.figures
    ]
    assert len(dict(told)) == len(told), "two figures of one name"
    for title, peers in told:
        assert set(figures[title]) == peers & {FLOOR, NAIVE, OURS}


def test_a_result_that_the_server_waits_for_costs_one_request_and_no_connection(
    figures: Figures,
) -> None:
    assert figures["requests for it"] == {FLOOR: 1, NAIVE: 1, OURS: 1}
    assert figures["new connections, once warm"] == {FLOOR: 0, NAIVE: 1, OURS: 0}


def test_a_map_keeps_as_many_connections_as_it_has_threads(figures: Figures) -> None:
    by = figures["500 predictions of 0.2 s at 16, connections"]
    assert by[OURS] <= 16 < by[NAIVE]


class _Liar:
    """A peer that loses a token."""

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        yield " t0"
        yield " t2"

    def run(self, plan: dict[str, Any]) -> str:
        return "0"


@pytest.mark.parametrize(
    ("work", "given"),
    [(streaming.cost, {"count": 3, "piece": 0}), (streaming.long, {"size": 9, "piece": 9})],
)
def test_a_wrong_text_is_an_error_and_no_result(work: Any, given: dict[str, int]) -> None:
    with pytest.raises(WrongContent):
        work(_Liar(), **given)


def test_a_wrong_output_is_an_error_and_no_result() -> None:
    with pytest.raises(WrongContent):
        waiting.result(_Liar(), 0.1, held=True)


def test_the_table_says_which_goals_are_missed() -> None:
    twice = Figure("a", "a thing", "ms", Goal(0.5, OFFICIAL))
    speed = Figure("b", "a speed", "MB/s", Goal(2, OFFICIAL, least=True))
    shown = table.markdown(
        [(twice, {OURS: 3.0, OFFICIAL: 4.0}), (speed, {OURS: 9.0, OFFICIAL: 4.0})], "2026-01-01"
    )
    slow, quick = (line for line in shown.splitlines() if line.startswith("| a "))
    assert "| ≤ 0.5 × official | **missed** |" in slow
    assert "| 0.75 |" in slow
    assert "| ≥ 2 × official | reached |" in quick


def test_the_table_cannot_tell_of_a_goal_beside_a_peer_that_was_not_measured() -> None:
    [line] = [
        line
        for line in table.markdown(
            [(Figure("a", "a thing", "ms", Goal(0.5, OFFICIAL)), {OURS: 3.0})], "2026-01-01"
        ).splitlines()
        if line.startswith("| a thing")
    ]
    assert "missed" not in line
    assert "reached" not in line


def test_the_written_results_are_of_these_rows() -> None:
    written = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    titles = [
        line.split(" | ")[0].removeprefix("| ")
        for line in written.splitlines()
        if line.startswith("| ")
    ]
    assert titles[1:] == [figure.title for row in ROWS for figure in row.figures]


def test_starting_is_measured_in_processes_of_their_own() -> None:
    rows = [row for row in ROWS if row.work.startswith("starting.")]
    found = {
        figure.title: by
        for figure, by in measured(rows, [FLOOR, NAIVE, OURS], True, lambda result: None)[0]
    }
    assert found["modules imported"][OURS] < found["modules imported"][NAIVE] * 1.25
    assert set(found["peak memory then"]) == {FLOOR, NAIVE, OURS}


def test_an_unknown_row_is_one_sentence() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "nothing of that name"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        "No row has nothing of that name in it; there are starting.package, "
    )


def test_a_streamed_event_takes_few_steps_of_our_own() -> None:
    entered = 0

    def watch(frame: Any, event: str, arg: object) -> None:
        nonlocal entered
        entered += event == "call" and "replicate_sync" in frame.f_code.co_filename

    with Server() as server:
        peer = Peer(server.url)
        counts = []
        for count in (100, 1100):
            entered = 0
            sys.setprofile(watch)
            try:
                streaming.cost(peer, count, 0)
            finally:
                sys.setprofile(None)
            counts.append(entered)
    assert (counts[1] - counts[0]) / 1000 <= STEPS
