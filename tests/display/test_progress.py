"""Progress bars say what is true, in a terminal on stderr and in a notebook as one line of text."""

from __future__ import annotations

import io
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fake_shell import FakeShell

from replicate_sync.display import progress
from replicate_sync.display.logs import Progress
from replicate_sync.display.progress import MIN_SIZE, ByteProgress


class Hook:
    """The events of a client: what is told here reaches the listener."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    @contextmanager
    def listening(self, listener: Any) -> Iterator[None]:
        self.listeners.append(listener)
        yield
        self.listeners.remove(listener)

    def tell(self, *kinds: str, id: str = "") -> None:
        for kind in kinds:
            for listener in self.listeners:
                listener(SimpleNamespace(kind=kind, id=id))


class Prediction:
    """A prediction that is in one of these states at each poll."""

    def __init__(self, *states: tuple[str, int | None]) -> None:
        self._states = states
        self.id = "p1"
        self.hook = Hook()
        self.status = "starting"
        self.progress: Progress | None = None
        self.polls_are_closed = False

    def polls(self) -> Generator[Prediction, None, None]:
        try:
            for status, step in self._states:
                self.status = status
                self.progress = None
                if step is not None:
                    self.progress = Progress(5 * step, step, 20)
                self.hook.tell("progress", id=self.id)
                yield self
        finally:
            self.polls_are_closed = True


class Terminal:
    """What was written to stderr, as the states of the last line."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[str]:
        """Return every state of the line since the last call, oldest first."""
        captured = self._capsys.readouterr()
        assert captured.out == ""
        lines = captured.err.replace("\n", "\r").split("\r")
        return [line.rstrip() for line in lines if line.strip()]


@pytest.fixture
def screen(capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return what is written to stderr."""
    return Terminal(capsys)


def test_a_prediction_shows_its_status_and_then_its_own_percentage(screen: Terminal) -> None:
    prediction = Prediction(
        ("starting", None), ("processing", None), ("processing", 9), ("succeeded", 20)
    )
    polls = progress.prediction_progress(
        prediction.polls(), prediction, "me/steps", prediction.hook.listening
    )
    assert list(polls) == [prediction] * 4
    lines = screen.lines()
    assert lines[0].startswith("me/steps: starting [00:00]")
    assert any(line.startswith("me/steps: processing [") for line in lines)
    assert any("processing:  45%|" in line and "9/20" in line for line in lines)
    assert "succeeded: 100%|" in lines[-1]


def test_a_prediction_whose_percentage_is_gone_shows_none(screen: Terminal) -> None:
    prediction = Prediction(("processing", 9), ("failed", None))
    list(
        progress.prediction_progress(
            prediction.polls(), prediction, "me/steps", prediction.hook.listening
        )
    )
    assert screen.lines()[-1].startswith("me/steps: failed [")


def test_only_the_events_of_a_prediction_change_its_bar(screen: Terminal) -> None:
    prediction = Prediction()
    hook = prediction.hook
    bars = progress.prediction_progress(
        quiet_polls(prediction), prediction, "me/steps", hook.listening
    )
    next(bars)
    prediction.status = "processing"
    hook.tell("started", id="another")
    next(bars)
    assert all("starting" in line for line in screen.lines())
    hook.tell("started", id="p1")
    assert screen.lines()[-1].startswith("me/steps: processing [")
    assert list(bars) == []
    assert hook.listeners == []


def quiet_polls(prediction: Prediction) -> Generator[Prediction, None, None]:
    yield prediction
    yield prediction


def test_polls_that_are_left_early_are_closed_and_the_last_status_stays(screen: Terminal) -> None:
    prediction = Prediction(("processing", None), ("succeeded", None))
    polls = progress.prediction_progress(
        prediction.polls(), prediction, "me/steps", prediction.hook.listening
    )
    for _ in polls:
        prediction.status = "canceled"
        break
    assert isinstance(polls, Generator)
    polls.close()
    assert prediction.polls_are_closed
    assert screen.lines()[-1].startswith("me/steps: canceled [")


def batch(*results: object) -> Generator[object, None, None]:
    yield from results


def test_a_batch_counts_what_has_ended_while_an_earlier_result_is_awaited(
    screen: Terminal,
) -> None:
    hook = Hook()

    def results() -> Generator[str, None, None]:
        hook.tell("created", "created", "created", "ended", "canceled")
        waiting.append(bar_position())
        yield from ("a", "b", "c")

    def bar_position() -> str:
        return screen.lines()[-1]

    waiting: list[str] = []
    list(progress.batch_progress(results(), range(3), "me/steps", hook.listening))
    assert "2/3" in waiting[-1]
    assert "3/3" in screen.lines()[-1]
    assert hook.listeners == []


def test_a_batch_shows_how_many_are_done_and_failed(screen: Terminal) -> None:
    results = batch("a", ValueError("no"), "c", ValueError("no"))
    yielded = list(progress.batch_progress(results, range(4), "me/steps", Hook().listening))
    assert [type(result) for result in yielded] == [str, ValueError, str, ValueError]
    last = screen.lines()[-1]
    assert last.startswith("me/steps: 100%|")
    assert "4/4" in last
    assert "run/s" in last
    assert "2 failed" in last


def test_a_batch_without_a_length_is_counted_all_the_same(screen: Terminal) -> None:
    inputs: Iterator[int] = iter(range(3))
    list(progress.batch_progress(batch("a", "b", "c"), inputs, "me/steps", Hook().listening))
    assert "3run [" in screen.lines()[-1]


def test_a_batch_that_is_left_early_is_closed(screen: Terminal) -> None:
    results = batch("a", "b")
    with_progress = progress.batch_progress(results, range(2), "me/steps", Hook().listening)
    assert next(with_progress) == "a"
    with_progress.close()
    assert next(results, None) is None
    assert "1/2" in screen.lines()[-1]


def test_a_long_file_shows_how_many_of_its_bytes_have_moved(screen: Terminal) -> None:
    size = 8 * 2**20
    with ByteProgress("long.bin", enabled=True) as byte_progress:
        byte_progress.update(0, size)
        byte_progress.update(size // 2, size)
        byte_progress.update(size, size)
    lines = screen.lines()
    assert lines[0].startswith("long.bin:   0%|")
    assert lines[-1].startswith("long.bin: 100%|")
    assert "8.00M/8.00M" in lines[-1]


@pytest.mark.parametrize("total", [None, 0])
def test_a_file_of_unknown_length_is_displayed_once_it_is_long(
    total: int | None, screen: Terminal
) -> None:
    with ByteProgress("long.bin", enabled=True) as byte_progress:
        byte_progress.update(MIN_SIZE, total)
        assert screen.lines() == []
        byte_progress.update(MIN_SIZE + 1, total)
        assert len(screen.lines()) > 0
        byte_progress.update(8 * 2**20, total)
    last = screen.lines()[-1]
    assert last.startswith("long.bin: 8.00MB [")
    assert "%" not in last


def test_a_file_that_starts_again_has_moved_fewer_bytes(screen: Terminal) -> None:
    size = 8 * 2**20
    with ByteProgress("long.bin", enabled=True) as byte_progress:
        byte_progress.update(size // 2, size)
        byte_progress.update(size // 4, size)
    assert screen.lines()[-1].startswith("long.bin:  25%|")


@pytest.mark.parametrize(("enabled", "size"), [(True, MIN_SIZE), (False, MIN_SIZE + 1)])
def test_a_short_file_and_one_that_nobody_asked_about_show_nothing(
    enabled: bool, size: int, screen: Terminal
) -> None:
    with ByteProgress("short.bin", enabled) as byte_progress:
        byte_progress.update(size, size)
    assert screen.lines() == []


def test_in_a_notebook_a_bar_is_one_output_of_plain_text(
    shell: FakeShell, screen: Terminal
) -> None:
    prediction = Prediction(("processing", 9), ("succeeded", 20))
    for _ in progress.prediction_progress(
        prediction.polls(), prediction, "me/steps", prediction.hook.listening
    ):
        [output] = shell.outputs.values()
    [output] = shell.outputs.values()
    assert list(output) == ["text/plain"]
    line = output["text/plain"]
    assert line.startswith("me/steps: succeeded: 100%|██")
    assert len(line) <= 110
    assert "\r" not in line
    assert screen.lines() == []


def test_in_a_notebook_a_line_that_has_not_changed_is_not_displayed_again(
    shell: FakeShell,
) -> None:
    with ByteProgress("long.bin", enabled=True) as byte_progress:
        byte_progress.update(1, 8 * 2**20)
        shown_count = shell.publish_count
        for _ in range(100):
            byte_progress.update(1, 8 * 2**20)
    assert shown_count >= 1
    assert shell.publish_count <= shown_count + 2  # the end may say how many bytes a second


def test_without_tqdm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    message = "^Progress bars need tqdm: pip install tqdm$"
    with pytest.raises(ImportError, match=message):
        progress.require_tqdm()
    with pytest.raises(ImportError, match=message):
        ByteProgress("a", enabled=True)
    ByteProgress("a", enabled=False).update(2 * MIN_SIZE, None)
    prediction = Prediction(("processing", None))
    with pytest.raises(ImportError, match=message):
        next(
            iter(
                progress.prediction_progress(
                    prediction.polls(), prediction, "me/steps", prediction.hook.listening
                )
            )
        )


def test_a_stderr_that_is_closed_ends_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stderr in (closed, None):
        monkeypatch.setattr(sys, "stderr", stderr)
        results = (number for number in range(3))
        shown = progress.batch_progress(results, range(3), "a/b", Hook().listening)
        assert list(shown) == [0, 1, 2]
