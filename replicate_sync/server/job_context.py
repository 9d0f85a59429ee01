"""What a model function can say about the prediction it is running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Run(Protocol):
    """A prediction as the function it runs may see it."""

    @property
    def over(self) -> bool:
        """Whether nobody waits for the result any more: it was canceled, or the server stopped."""

    def write_log(self, text: str) -> None:
        """Append text to the logs."""

    def measure(self, name: str, value: Any) -> None:
        """Put a value among the metrics."""

    def wait(self, seconds: float) -> None:
        """Block for these seconds, or until it is over."""

    def when_canceled(self, call: Callable[[], None]) -> None:
        """Call this, in another thread, when it is canceled; where it has been, at once."""


class Failed(Exception):
    """Ends a function whose prediction has failed elsewhere: its text is the error, and its traceback is nobody's."""


class Canceled(BaseException):
    """Ends a function whose prediction has been canceled; no `except Exception` of a model holds it up."""


_here = threading.local()


@contextmanager
def inside(run: Run) -> Iterator[None]:
    """Make `run` the prediction that this thread's `log` and `metric` speak of."""
    _here.run = run
    try:
        yield
    finally:
        _here.run = None


def here() -> bool:
    """Tell whether this thread runs a prediction."""
    return getattr(_here, "run", None) is not None


def log(text: str, end: str = "\n") -> None:
    """Append a line to the logs of the prediction that runs in this thread; outside of one, do nothing.

    `print` does the same, and outside of a prediction prints. With `end=""` it is a piece of a line, such as a progress
    bar that `\\r` draws over the one before.

    Where that prediction has been canceled, this ends the function, so a long loop that logs can be stopped.
    """
    run: Run | None = getattr(_here, "run", None)
    if run is None:
        return
    if run.over:
        raise Canceled
    run.write_log(text if text.endswith("\n") else f"{text}{end}")


def metric(name: str, value: Any) -> None:
    """Put a value among the metrics of this thread's prediction; outside of one, do nothing."""
    run: Run | None = getattr(_here, "run", None)
    if run is not None:
        run.measure(name, value)


def when_canceled(call: Callable[[], None]) -> None:
    """Call this, in another thread, when the prediction of this thread is canceled; outside of one, do nothing."""
    run: Run | None = getattr(_here, "run", None)
    if run is not None:
        run.when_canceled(call)


def pause(seconds: float) -> None:
    """Block for these seconds; where the prediction is canceled meanwhile, end the function."""
    run: Run | None = getattr(_here, "run", None)
    if run is None:
        time.sleep(seconds)
    elif seconds > 0:
        run.wait(seconds)
    check()


def check() -> None:
    """End the function here where its prediction has been canceled; else, and outside of one, do nothing."""
    run: Run | None = getattr(_here, "run", None)
    if run is not None and run.over:
        raise Canceled
