"""Which error it is that a run did not succeed, or not in time, and what has become of one that nobody waits for.

How the run stands goes in, an exception or a sentence comes out; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from .deadlines import Deadline
from .errors import QUOTED, PredictionCanceled, PredictionError, PredictionFailed, PredictionTimeout, StreamError, quoted
from .logs import end_of
from .polling import Polling

_LOG_LINES = 5  # the last ones, quoted in an error

_Error = TypeVar("_Error", PredictionFailed, PredictionCanceled, PredictionTimeout, StreamError)
Hide = Callable[[str], str]
"""Cuts out of a model's own words what must not be shown."""


class Run(Protocol):
    """What is said of a prediction or a training."""

    noun: str
    collection: str
    id: str
    model: str | None
    status: str
    error: str | None
    logs: str

    @property
    def ended(self) -> bool:
        """Whether the status is a final one."""


def named(run: Run, noun: str = "") -> str:
    """Name a run for people: what it is, its id, and its model. `noun`: another word for what it is."""
    return f"{noun or run.noun} {quoted(run.id)}{f' of {run.model}' if run.model else ''}"


def of(run: Run, hide: Hide) -> PredictionError | None:
    """Give the error for how a run ended; None where it succeeded, or has not ended."""
    if run.status == "failed":
        return failed(run, run.error, hide)
    return canceled(run, hide) if run.status in ("canceled", "aborted") else None


def failed(run: Run, why: str | None, hide: Hide) -> PredictionFailed:
    """Give the error for a model that failed."""
    why = quoted(hide(why)) if why else "the model gave no reason"
    return _with(run, PredictionFailed(f"{named(run)} failed: {why}{_logs_end(run, hide)}"))


def canceled(run: Run, hide: Hide) -> PredictionCanceled:
    """Give the error for a run that was canceled, or aborted."""
    how = "was aborted before it started" if run.status == "aborted" else "was canceled"
    return _with(run, PredictionCanceled(f"{named(run)} {how}.{_logs_end(run, hide)}"))


def unended(run: Run, polling: Polling, limit: Deadline) -> PredictionTimeout:
    """Give the error for a run that goes on when the looks or the time are used up."""
    looks = f"{polling.attempts} looks, {polling.delay:g} s apart"
    after = f"the deadline of {limit.seconds:g} s" if limit.passed and limit.seconds else looks
    more = "a longer deadline=" if limit.passed else "polling=Polling(attempts, delay)"
    return _with(
        run,
        PredictionTimeout(
            f"{named(run)} is still {run.status} after {after}. It runs on: "
            f".prediction.wait() waits on, .prediction.cancel() stops it, and {more} allows more."
        ),
    )


def broken(run: Run, text: str, why: str) -> StreamError:
    """Give the error for a stream that told only this text, of a run that `why` tells of."""
    error = StreamError(
        f"The stream of {named(run, run.noun.lower())} broke after {len(text)} characters, "
        f"and the prediction {why}. The text so far is in .text, the prediction in .prediction."
    )
    error.text = text
    return _with(run, error)


def aftermath(run: Run, cancel: bool) -> str:
    """Say what has become of a run for somebody who stopped waiting. `cancel`: whether it was to be canceled."""
    noun = f"{run.noun} {quoted(run.id)}"
    if run.ended:
        return f"{noun} {'was canceled' if run.status == 'canceled' else f'had {run.status}'}."
    why = "could not be canceled and may still run" if cancel else "runs on"
    return f"{noun} {why}: client.{run.collection}.cancel({run.id!r}) cancels it."


def _with(run: Run, error: _Error) -> _Error:
    error.prediction = run
    return error


def _logs_end(run: Run, hide: Hide) -> str:
    end = end_of(hide(run.logs).strip(), _LOG_LINES)
    return "\nIts logs end:" + "".join(f"\n  {line.rstrip()[-QUOTED:]}" for line in end.split("\n")) if end else ""
