"""The state of a prediction decides which exception it is, and what that says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from replicate_sync import Polling, PredictionCanceled, PredictionError, PredictionFailed
from replicate_sync.deadline import Deadline
from replicate_sync.prediction import outcomes

TERMINAL_STATUSES = ("succeeded", "failed", "canceled", "aborted")


def state(status: str, **fields: Any) -> Any:
    """Return the state of a prediction."""
    defaults = {
        "label": "Prediction",
        "collection": "predictions",
        "id": "p1",
        "model": "a/b",
        "error": None,
        "logs": "",
    }
    ended = status in TERMINAL_STATUSES
    return SimpleNamespace(**{**defaults, "status": status, "ended": ended, **fields})


def unchanged(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        ("failed", PredictionFailed, "Prediction p1 of a/b failed: the model gave no reason"),
        ("canceled", PredictionCanceled, "Prediction p1 of a/b was canceled."),
        ("aborted", PredictionCanceled, "Prediction p1 of a/b was aborted before it started."),
    ],
)
def test_an_outcome_without_success_is_an_error(
    status: str, kind: type[PredictionError], text: str
) -> None:
    error = outcomes.error_for_outcome(state(status), unchanged)
    assert type(error) is kind
    assert str(error) == text


@pytest.mark.parametrize("status", ["succeeded", "starting", "processing", "a new one"])
def test_success_and_a_prediction_that_is_running_are_no_error(status: str) -> None:
    assert outcomes.error_for_outcome(state(status), unchanged) is None


def test_an_error_quotes_the_end_of_the_logs_and_the_last_state_of_a_progress_bar() -> None:
    bar = "".join(f"\r{n}0%|#         | {n}/10" for n in range(1, 10))
    logs = "\n".join([*(f"line {n}" for n in range(9)), bar, "Traceback"]) + "\n\n"
    error = outcomes.failed_error(state("failed", logs=logs), "boom", unchanged)
    assert str(error) == (
        "Prediction p1 of a/b failed: boom\n"
        "The end of its logs:\n"
        "  line 6\n"
        "  line 7\n"
        "  line 8\n"
        "  90%|#         | 9/10\n"
        "  Traceback"
    )


def test_no_escape_sequence_of_a_model_is_in_an_error() -> None:
    error = outcomes.failed_error(state("failed", logs="\x1b[31mred"), "\x1b]52;c;x\x07", unchanged)
    assert str(error).splitlines()[::2] == [
        "Prediction p1 of a/b failed: ␛]52;c;x␇",
        "  ␛[31mred",
    ]


def test_a_long_line_of_the_logs_is_quoted_by_its_end() -> None:
    error = outcomes.canceled_error(state("canceled", logs="a" * 300 + "b" * 200), unchanged)
    assert str(error).endswith("\n  " + "b" * 200)


def test_the_lines_of_the_logs_keep_their_indentation() -> None:
    logs = "Traceback:\n  File x  \n    y()\t\n"
    error = outcomes.canceled_error(state("canceled", logs=logs), unchanged)
    assert str(error).splitlines()[2:] == ["  Traceback:", "    File x", "      y()"]


def test_a_secret_is_redacted_in_the_reason_and_in_the_logs() -> None:
    def redact(text: str) -> str:
        return text.replace("r8_x", "***")

    error = outcomes.failed_error(state("failed", logs="token r8_x"), "refused r8_x", redact)
    assert str(error) == (
        "Prediction p1 of a/b failed: refused ***\nThe end of its logs:\n  token ***"
    )


def test_a_timeout_after_the_last_attempt_says_how_to_allow_more() -> None:
    running = state("processing", model=None)
    error = outcomes.timeout_error(running, Polling(3, 0.5), Deadline())
    assert error.message == "Prediction p1 is still processing after 3 polls, 0.5 s apart."
    assert "polling=Polling(attempts, delay) allows more time" in error.hint


def test_a_timeout_at_the_deadline_says_how_to_allow_more() -> None:
    expired = Deadline(60)
    expired.expire()
    error = outcomes.timeout_error(state("starting"), Polling(), expired)
    assert error.message.endswith("is still starting after the deadline of 60 s.")
    assert error.hint.startswith(
        "It is still running: .prediction.wait() waits on, .prediction.cancel() stops it, "
    )
    assert "a longer deadline= allows more time" in error.hint


def test_a_deadline_that_was_moved_to_now_names_no_seconds() -> None:
    expired = Deadline()
    expired.expire()
    error = outcomes.timeout_error(state("starting"), Polling(3, 0.5), expired)
    assert error.message.endswith("is still starting after 3 polls, 0.5 s apart.")


def test_the_error_of_a_broken_stream_has_the_text_so_far() -> None:
    training = state("failed", label="Training")
    error = outcomes.stream_error(training, "Once upon", "could not be polled: no response")
    assert error.text == "Once upon"
    assert error.message == (
        "The event stream of Training p1 of a/b broke after 9 characters, and the prediction "
        "could not be polled: no response."
    )
    assert error.hint == "The text so far is in .text, the prediction in .prediction."


@pytest.mark.parametrize(
    ("status", "cancel", "text"),
    [
        ("canceled", True, "Prediction p1 was canceled."),
        ("succeeded", True, "Prediction p1 had succeeded."),
        (
            "processing",
            True,
            "Prediction p1 could not be canceled and may still be running: "
            "client.predictions.cancel('p1') cancels it.",
        ),
        (
            "processing",
            False,
            "Prediction p1 is still running: client.predictions.cancel('p1') cancels it.",
        ),
    ],
)
def test_who_stops_waiting_learns_what_became_of_the_prediction(
    status: str, cancel: bool, text: str
) -> None:
    assert outcomes.describe_abandoned(state(status), cancel=cancel) == text


def test_an_unexpected_type_of_a_result_is_named_beside_the_expected_one() -> None:
    error = outcomes.output_type_error(state("succeeded"), "list[str]", {"a": 1})
    assert error.message == "Prediction p1 of a/b returned dict, and list[str] was expected."
    assert error.hint == ".prediction.result() returns it."


@pytest.mark.parametrize(
    ("candidates", "text"),
    [
        (
            [],
            "No training of it was found, and one may still appear: see client.trainings.list().",
        ),
        (
            ["t1"],
            "It may have created training t1, which was not canceled, as it may be somebody "
            "else's: client.trainings.cancel('t1') cancels it.",
        ),
        (
            ["t1", "t2"],
            "It may have created training t1 or t2, which was not canceled, as it may be somebody "
            "else's: client.trainings.cancel('t1') cancels it.",
        ),
    ],
)
def test_a_create_that_was_not_awaited_says_what_it_may_have_made(
    candidates: list[str], text: str
) -> None:
    kind: Any = SimpleNamespace(label="Training", collection="trainings")
    assert outcomes.describe_lost(kind, candidates) == text


def test_a_failure_gives_the_reason_of_the_model() -> None:
    error = outcomes.error_for_outcome(state("failed", error="out of memory"), unchanged)
    assert str(error) == "Prediction p1 of a/b failed: out of memory"
