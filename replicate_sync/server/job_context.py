"""What a model function can do with the prediction that its thread runs: log, measure, stop.

Outside of a prediction these functions do nothing, so a model is an ordinary function elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class RunningJob(Protocol):
    """A prediction as the function that it runs may see it."""

    @property
    def over(self) -> bool:
        """Whether its status is a terminal one, as after a cancel or when the server stopped."""

    def add_log(self, text: str) -> None:
        """Append text to the logs."""

    def set_metric(self, name: str, value: object) -> None:
        """Set one of the metrics."""

    def wait(self, seconds: float) -> None:
        """Block for these seconds, or until it is over."""

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call a function, in another thread, when it is canceled, or now where it has been."""


class Failed(Exception):
    """Ends a function whose prediction failed elsewhere.

    Its text is the prediction's error; no traceback is logged.
    """


class Canceled(BaseException):
    """Ends a function whose prediction was canceled, past any `except Exception` in it."""


class _Thread(threading.local):
    job: RunningJob | None = None


_thread = _Thread()


@contextmanager
def activate(job: RunningJob) -> Iterator[None]:
    """Make a prediction the one that this thread runs."""
    _thread.job = job
    try:
        yield
    finally:
        _thread.job = None


def is_active() -> bool:
    """Return whether this thread runs a prediction."""
    return _thread.job is not None


def log(text: str, end: str = "\n") -> None:
    r"""Append a line to the logs of the prediction that this thread runs.

    `print` does the same, and prints outside of a prediction. A long loop that logs can be
    canceled, since this ends the function of a canceled prediction.

    Args:
        text: The line.
        end: What is added where the text does not end with a newline. With "" it is a part of a
            line, such as a progress bar that `\r` draws over the one before.
    """
    job = _thread.job
    if job is None:
        return
    if job.over:
        raise Canceled
    if not text.endswith("\n"):
        text += end
    job.add_log(text)


def metric(name: str, value: object) -> None:
    """Set one of the metrics of the prediction that this thread runs.

    Args:
        name: Its name, such as "image_count".
        value: Any JSON value.
    """
    if _thread.job is not None:
        _thread.job.set_metric(name, value)


def on_cancel(callback: Callable[[], None]) -> None:
    """Call a function, in another thread, when the prediction of this thread is canceled."""
    if _thread.job is not None:
        _thread.job.on_cancel(callback)


def sleep(seconds: float) -> None:
    """Block for these seconds; end the function where its prediction is canceled meanwhile."""
    job = _thread.job
    if job is None:
        time.sleep(seconds)
    elif seconds > 0:
        job.wait(seconds)
    raise_if_canceled()


def raise_if_canceled() -> None:
    """End the function here where its prediction was canceled."""
    if _thread.job is not None and _thread.job.over:
        raise Canceled
