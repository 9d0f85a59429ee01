"""How a run stands decides which error it is, and what it says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from replicate_sync import Polling, PredictionCanceled, PredictionError, PredictionFailed
from replicate_sync import verdicts as judged
from replicate_sync.deadlines import Deadline


def run(status: str, **more: Any) -> Any:
    given = {"noun": "Prediction", "collection": "predictions", "id": "p1", "model": "a/b", "error": None, "logs": ""}
    return SimpleNamespace(**{**given, "status": status, "ended": status in ("succeeded", "canceled"), **more})


def plainly(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        ("failed", PredictionFailed, "Prediction p1 of a/b failed: the model gave no reason"),
        ("canceled", PredictionCanceled, "Prediction p1 of a/b was canceled."),
        ("aborted", PredictionCanceled, "Prediction p1 of a/b was aborted before it started."),
    ],
)
def test_an_end_that_is_no_success_is_an_error_that_carries_the_run(
    status: str, kind: type[PredictionError], text: str
) -> None:
    ended = run(status)
    error = judged.of(ended, plainly)
    assert (type(error), str(error)) == (kind, text)
    assert error is not None
    assert error.prediction is ended


@pytest.mark.parametrize("status", ["succeeded", "starting", "processing", "a new one"])
def test_what_succeeded_or_goes_on_is_no_error(status: str) -> None:
    assert judged.of(run(status), plainly) is None


def test_an_error_quotes_the_end_of_the_logs_and_of_a_bar_its_last_state() -> None:
    bar = "".join(f"\r{n}0%|#         | {n}/10" for n in range(1, 10))
    logs = "\n".join([*(f"line {n}" for n in range(9)), bar, "Traceback"]) + "\n\n"
    text = str(judged.failed(run("failed", logs=logs), "boom", plainly))
    end = "\n  line 6\n  line 7\n  line 8\n  90%|#         | 9/10\n  Traceback"
    assert text == f"Prediction p1 of a/b failed: boom\nIts logs end:{end}"


def test_a_secret_is_hidden_in_the_reason_and_in_the_logs() -> None:
    error = judged.failed(run("failed", logs="token r8_x"), "refused r8_x", lambda text: text.replace("r8_x", "***"))
    assert str(error) == "Prediction p1 of a/b failed: refused ***\nIts logs end:\n  token ***"


def test_one_that_goes_on_says_what_was_used_up_and_how_to_wait_longer() -> None:
    looks = str(judged.unended(run("processing", model=None), Polling(3, 0.5), Deadline()))
    assert looks.startswith("Prediction p1 is still processing after 3 looks, 0.5 s apart. It runs on: ")
    assert "polling=Polling(attempts, delay) allows more" in looks
    over = Deadline(60)
    over.cut()
    late = str(judged.unended(run("starting"), Polling(), over))
    assert "is still starting after the deadline of 60 s" in late
    assert "a longer deadline= allows more" in late


def test_a_broken_stream_keeps_its_text() -> None:
    error = judged.broken(run("failed", noun="Training"), "Once upon", "could not be looked at: no answer")
    assert error.text == "Once upon"
    assert str(error).startswith("The stream of training p1 of a/b broke after 9 characters, and the prediction could not")


@pytest.mark.parametrize(
    ("status", "cancel", "says"),
    [
        ("canceled", True, "Prediction p1 was canceled."),
        ("succeeded", True, "Prediction p1 had succeeded."),
        (
            "processing",
            True,
            "Prediction p1 could not be canceled and may still run: client.predictions.cancel('p1') cancels it.",
        ),
        ("processing", False, "Prediction p1 runs on: client.predictions.cancel('p1') cancels it."),
    ],
)
def test_somebody_who_stops_waiting_is_told_what_became_of_it(status: str, cancel: bool, says: str) -> None:
    assert judged.aftermath(run(status), cancel) == says
