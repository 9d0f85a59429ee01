"""Which exception the outcome of a prediction is: its state in, an exception or a sentence out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..deadline import Deadline
from ..exceptions import (
    EXCERPT_LENGTH,
    OutputTypeError,
    PredictionCanceled,
    PredictionError,
    PredictionFailed,
    PredictionTimeout,
    StreamError,
    excerpt,
)
from ..polling import Polling

if TYPE_CHECKING:
    from typing import Protocol

    class State(Protocol):
        """What is said here of a prediction or a training."""

        label: str
        collection: str
        id: str
        model: str | None
        error: str | None
        logs: str

        @property
        def status(self) -> str:
            """The status, as the API has it."""

        @property
        def ended(self) -> bool:
            """Whether the status is a final one."""


TERMINAL_STATUSES = frozenset({"succeeded", "failed", "canceled", "aborted"})

_LOG_LINES = 5

Redact = Callable[[str], str]
"""Returns a model's own words without what must not be shown."""


def describe(prediction: State) -> str:
    """Return a prediction or training in words: what it is, its id, and its model."""
    name = f"{prediction.label} {excerpt(prediction.id)}"
    if prediction.model:
        return f"{name} of {prediction.model}"
    return name


def error_for_outcome(prediction: State, redact: Redact) -> PredictionError | None:
    """Return the exception for a prediction that ended without success; None for any other."""
    if prediction.status == "failed":
        return failed_error(prediction, prediction.error, redact)
    if prediction.status in ("canceled", "aborted"):
        return canceled_error(prediction, redact)
    return None


def failed_error(prediction: State, reason: str | None, redact: Redact) -> PredictionFailed:
    """Return the exception for a model that failed.

    Args:
        prediction: The prediction.
        reason: What the model said, if it said anything.
        redact: Cuts the token out of the model's words.
    """
    from ..display.terminal import printable  # late, as most predictions succeed

    if reason:
        why = printable(excerpt(redact(reason)))
    else:
        why = "the model gave no reason"
    message = f"{describe(prediction)} failed: {why}{_end_of_logs(prediction, redact)}"
    return PredictionFailed(message)


def canceled_error(prediction: State, redact: Redact) -> PredictionCanceled:
    """Return the exception for a prediction that was canceled or aborted."""
    how = "was canceled"
    if prediction.status == "aborted":
        how = "was aborted before it started"
    message = f"{describe(prediction)} {how}.{_end_of_logs(prediction, redact)}"
    return PredictionCanceled(message)


def timeout_error(prediction: State, polling: Polling, deadline: Deadline) -> PredictionTimeout:
    """Return the exception for a prediction that did not end in time.

    Args:
        prediction: The prediction, which is still running.
        polling: The policy whose attempts may be used up.
        deadline: The deadline that may have expired.
    """
    after = f"{polling.attempts} polls, {polling.delay:g} s apart"
    more = "polling=Polling(attempts, delay)"
    if deadline.expired:
        more = "a longer deadline="
    if deadline.expired and deadline.seconds:
        after = f"the deadline of {deadline.seconds:g} s"
    return PredictionTimeout(
        f"{describe(prediction)} is still {prediction.status} after {after}.",
        hint=(
            "It is still running: .prediction.wait() waits on, .prediction.cancel() stops it, "
            f"and {more} allows more time."
        ),
    )


def output_type_error(prediction: State, expected: str, result: object) -> OutputTypeError:
    """Return the exception for a result that is not of the expected type.

    Args:
        prediction: The prediction.
        expected: The type, as it is written.
        result: The result.
    """
    return OutputTypeError(
        f"{describe(prediction)} returned {type(result).__name__}, and {expected} was expected.",
        hint=".prediction.result() returns it.",
    )


def stream_error(prediction: State, text: str, reason: str) -> StreamError:
    """Return the exception for an event stream that broke and could not be resumed.

    Args:
        prediction: The prediction.
        text: The text that was yielded.
        reason: What is known of the prediction, as the end of a sentence.
    """
    error = StreamError(
        f"The event stream of {describe(prediction)} broke after {len(text)} characters, "
        f"and the prediction {reason}.",
        hint="The text so far is in .text, the prediction in .prediction.",
    )
    error.text = text
    return error


def describe_abandoned(prediction: State, *, cancel: bool) -> str:
    """Return what became of a prediction that nobody waits for any more, as a sentence.

    Args:
        prediction: The prediction.
        cancel: Whether it was to be canceled.
    """
    name = f"{prediction.label} {excerpt(prediction.id)}"
    if prediction.status == "canceled":
        return f"{name} was canceled."
    if prediction.ended:
        return f"{name} had {prediction.status}."
    if cancel:
        state = "could not be canceled and may still be running"
    else:
        state = "is still running"
    return f"{name} {state}: client.{prediction.collection}.cancel({prediction.id!r}) cancels it."


def describe_lost(kind: type[State], candidates: Sequence[str]) -> str:
    """Return what is known of a create whose response was not awaited, as a sentence.

    Args:
        kind: Predictions or trainings.
        candidates: The ids of those that it may have made.
    """
    label = kind.label.lower()
    if not candidates:
        return (
            f"No {label} of it was found, and one may still appear: see "
            f"client.{kind.collection}.list()."
        )
    names = " or ".join(excerpt(one) for one in candidates)
    return (
        f"It may have created {label} {names}, which was not canceled, as it may be somebody "
        f"else's: client.{kind.collection}.cancel({candidates[0]!r}) cancels it."
    )


def _end_of_logs(prediction: State, redact: Redact) -> str:
    from ..display.logs import last_lines  # late, as most predictions succeed
    from ..display.terminal import printable

    end = last_lines(redact(prediction.logs).strip(), _LOG_LINES)
    if not end:
        return ""
    lines = [line.rstrip()[-EXCERPT_LENGTH:] for line in printable(end).split("\n")]
    return "\nThe end of its logs:" + "".join(f"\n  {line}" for line in lines)
