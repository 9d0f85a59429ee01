"""Progress bars, displayed where they were asked for: the owner of tqdm.

In a terminal a progress bar is written to stderr. In a notebook it is plain text that is updated in
its place, and not a widget: a widget would be dead in a notebook that is opened again, and without
ipywidgets tqdm prints a warning.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from contextlib import AbstractContextManager
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

from .logs import Progress
from .notebook import Pane, current_kernel

if TYPE_CHECKING:
    from tqdm import tqdm

MIN_SIZE = 5 * 2**20  # bytes; a smaller file has arrived before anybody has read a progress bar

_NOTEBOOK_WIDTH = 110  # characters of a bar in a notebook
_FORMAT_WITH_TOTAL = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_FORMAT_WITHOUT_TOTAL = "{desc} [{elapsed}]"


class PredictionEvent(Protocol):
    """What has happened to a prediction."""

    @property
    def kind(self) -> str:
        """What: "ended" or "canceled" where it is done."""

    @property
    def id(self) -> str:
        """The id of the prediction."""


class TrackedPrediction(Protocol):
    """What a progress bar displays of a prediction."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def status(self) -> str:
        """Its status."""
        ...

    @property
    def progress(self) -> Progress | None:
        """How far it is."""
        ...


_Prediction = TypeVar("_Prediction", bound=TrackedPrediction)
_Result = TypeVar("_Result")
_Listening = Callable[[Callable[[PredictionEvent], None]], AbstractContextManager[None]]


def require_tqdm() -> None:
    """Check that tqdm is installed.

    Raises:
        ImportError: It is not; the message says what to install.
    """
    try:
        import tqdm  # noqa: F401
    except ImportError:
        message = "Progress bars need tqdm: pip install tqdm"
        raise ImportError(message) from None


def prediction_progress(
    polls: Generator[_Prediction, None, None],
    prediction: _Prediction,
    name: str,
    listening: _Listening,
) -> Iterator[_Prediction]:
    """Yield each poll of a prediction, with its status and percentage in a progress bar.

    Its events change what the bar says; a poll that brings none moves only the time on.

    Args:
        polls: Yields the prediction after each poll; closed at the end.
        prediction: The prediction, whose status is displayed before the first event and at the end
            as well.
        name: What to call it, such as the name of its model.
        listening: Has a listener called with the client's events, from any thread.

    Yields:
        What `polls` yields.
    """
    bar = _start_bar(f"{name}: {prediction.status}", bar_format=_FORMAT_WITHOUT_TOTAL)

    def listener(event: PredictionEvent) -> None:
        if event.id == prediction.id:
            _refresh_bar(bar, prediction, name)

    try:
        with listening(listener):
            for polled in polls:
                bar.refresh()
                yield polled
    finally:
        polls.close()
        _refresh_bar(bar, prediction, name)
        bar.close()


def batch_progress(
    results: Generator[_Result, None, None],
    inputs: Iterable[object],
    name: str,
    listening: _Listening,
) -> Generator[_Result, None, None]:
    """Yield the results of many runs, with how many are done and failed in a progress bar.

    What has ended is counted when it ends, also where the result of an earlier input is awaited.

    Args:
        results: Yields a result or an exception for each input; closed at the end.
        inputs: The inputs; how many there are is displayed if they have a length.
        name: What to call them, such as the name of the model.
        listening: Has a listener called with the events of the runs, from any thread.

    Yields:
        What `results` yields.
    """
    total = len(inputs) if isinstance(inputs, Sized) else None
    failure_count = 0
    yielded_count = 0
    ended_count = count(1)
    lock = Lock()
    bar = _start_bar(name, total=total, unit="run")

    def display(done: int) -> None:
        with lock:
            bar.update(max(0, done - bar.n))

    def listener(event: PredictionEvent) -> None:
        if event.kind in ("ended", "canceled"):
            display(next(ended_count))
            if bar.last_print_n < bar.n:
                bar.refresh()  # tqdm would leave it to a next one, which may take long

    try:
        with listening(listener):
            for result in results:
                if isinstance(result, Exception):
                    failure_count += 1
                yielded_count += 1
                bar.set_postfix_str(f"{failure_count} failed", refresh=False)
                display(yielded_count)
                yield result
    finally:
        results.close()
        bar.close()


class ByteProgress:
    """A progress bar for the bytes of one file, displayed from `MIN_SIZE` on.

    Used as a context manager, which ends the bar.

    Args:
        name: The name of the file.
        enabled: Whether to display anything at all.

    Raises:
        ImportError: It is enabled, and tqdm is missing.
    """

    def __init__(self, name: str, enabled: bool) -> None:
        self._name = name
        self._enabled = enabled
        self._bar: tqdm[NoReturn] | None = None
        if enabled:
            require_tqdm()

    def update(self, done: int, total: int | None) -> None:
        """Display how many bytes have moved.

        Args:
            done: The bytes that have moved so far; fewer than before if the file starts again.
            total: How many there are, or None if that is not known.
        """
        if not self._enabled or max(done, total or 0) <= MIN_SIZE:
            return
        if self._bar is None:
            self._bar = _start_bar(self._name, total=total or None, unit="B", is_scaled=True)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> ByteProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _start_bar(
    description: str,
    *,
    total: int | None = None,
    unit: str = "it",
    is_scaled: bool = False,
    bar_format: str | None = None,
) -> tqdm[NoReturn]:
    """Display a new bar on stderr, or in a notebook in a pane of the cell."""
    require_tqdm()
    from tqdm import tqdm  # late, as most programs display no progress bars

    file: _PaneWriter | _Nowhere | None = None
    width = None
    if sys.stderr is None:
        file = _Nowhere()
    if current_kernel() is not None:
        file = _PaneWriter()
        width = _NOTEBOOK_WIDTH
    return tqdm(
        desc=description,
        total=total,
        unit=unit,
        unit_scale=is_scaled,
        unit_divisor=1024,
        bar_format=bar_format,
        file=file,
        ncols=width,
    )


def _refresh_bar(bar: tqdm[NoReturn], prediction: TrackedPrediction, name: str) -> None:
    progress = prediction.progress
    if progress is None:
        bar.bar_format = _FORMAT_WITHOUT_TOTAL
    else:
        bar.bar_format = _FORMAT_WITH_TOTAL
        bar.total = progress.total
        bar.n = progress.current
    bar.set_description_str(f"{name}: {prediction.status}", refresh=False)
    bar.refresh()


class _Nowhere:
    """What stands for a stderr that is closed."""

    def write(self, text: str) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""


class _PaneWriter:
    """The terminal that tqdm writes to in a notebook: a pane that shows the latest line."""

    encoding = "utf-8"  # tqdm draws the bar with the characters that this can encode

    def __init__(self) -> None:
        self._pane = Pane()
        self._line = ""

    def write(self, text: str) -> None:
        """Display what the line on a terminal would be now; an empty line leaves the last one."""
        line = text.rpartition("\r")[2].rstrip()
        if line and line != self._line:
            self._line = line
            self._pane.show({"text/plain": line})

    def flush(self) -> None:
        """Do nothing: `write` holds nothing back."""
