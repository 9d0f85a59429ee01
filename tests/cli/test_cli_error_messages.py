"""Errors in the words of a shell, and as JSON."""

from __future__ import annotations

import sys

import pytest

from replicate_sync import Replicate
from replicate_sync.cli.error_messages import describe_error, error_message, show_interruption
from replicate_sync.exceptions import (
    AuthenticationError,
    ConnectionFailed,
    Interruption,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    PredictionFailed,
    PredictionTimeout,
    ReplicateError,
    Response,
    ResponseError,
    ServerError,
    StreamError,
)
from replicate_sync.prediction.prediction import Prediction

#: A hint for programs, which has no place in a shell.
PYTHON = "Pass api_key=, base_url=, proxy= or timeout=, or use .prediction.wait()."


def prediction(status: str = "processing") -> Prediction:
    return Replicate().predictions.from_json({"id": "abc", "status": status})


def about(error: ReplicateError, prediction: Prediction) -> ReplicateError:
    error.prediction = prediction
    return error


def connection_failed(*, maybe_sent: bool, maybe_created: bool = False) -> ConnectionFailed:
    error = ConnectionFailed("host was silent.", hint=PYTHON)
    error.maybe_sent = maybe_sent
    error.maybe_created = maybe_created
    return error


def response_error(
    kind: type[ResponseError], status: int, *, hint: str = PYTHON, maybe_created: bool = False
) -> ResponseError:
    error = kind(f"The API responded {status}.", Response(status, {}, b""), hint=hint)
    error.maybe_created = maybe_created
    return error


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (MissingAuthError("No API token.", hint=PYTHON), "REPLICATE_API_TOKEN"),
        (MissingAuthError("No API token.", hint=PYTHON), "--local"),
        (response_error(AuthenticationError, 401), "REPLICATE_API_TOKEN"),
        (connection_failed(maybe_sent=False), "REPLICATE_BASE_URL"),
        (connection_failed(maybe_sent=True), "Try again"),
        (
            connection_failed(maybe_sent=True, maybe_created=True),
            "A prediction may have been created: see `replicate-sync predictions list`",
        ),
        (response_error(ServerError, 503), "https://www.replicatestatus.com"),
        (
            response_error(ServerError, 503, maybe_created=True),
            "`replicate-sync predictions list`",
        ),
        (response_error(ResponseError, 200), "REPLICATE_BASE_URL"),
        (
            response_error(ResponseError, 200, maybe_created=True),
            "`replicate-sync predictions list`",
        ),
        (
            about(PredictionTimeout("It is still running.", hint=PYTHON), prediction()),
            "`replicate-sync predictions wait abc` waits for it",
        ),
        (
            about(PredictionTimeout("It is still running.", hint=PYTHON), prediction("canceled")),
            "was canceled, as the local server ends",
        ),
        (
            about(StreamError("It broke.", hint=PYTHON), prediction()),
            "`replicate-sync predictions show abc`",
        ),
    ],
)
def test_a_hint_for_programs_is_one_for_the_shell(error: ReplicateError, hint: str) -> None:
    message = error_message(error)
    assert hint in message
    assert PYTHON not in message


@pytest.mark.parametrize(
    "error",
    [
        ModelNotFoundError("'x' does not name a model.", hint="Did you mean 'y'?"),
        InvalidInputError("The input does not fit."),
        response_error(AuthenticationError, 403, hint="The token is not allowed to do this."),
        response_error(ResponseError, 400, hint=""),
        PredictionFailed("It failed."),
        StreamError("It broke.", hint="Of no prediction."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_says_what_the_library_says(error: ReplicateError) -> None:
    assert error_message(error) == str(error)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(2, "No such file or directory", "a.txt"), "a.txt: No such file or directory."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError("something else"), "something else."),
        (ValueError("a value"), "a value"),
    ],
)
def test_an_error_of_the_system_is_one_sentence(error: Exception, message: str) -> None:
    assert error_message(error) == message
    assert describe_error(error) == {
        "type": type(error).__name__,
        "message": message,
        "prediction": None,
    }


def test_an_error_about_a_prediction_has_its_id() -> None:
    failed = about(PredictionFailed("It failed."), prediction("failed"))
    assert describe_error(failed) == {
        "type": "PredictionFailed",
        "message": "It failed.",
        "prediction": "abc",
    }


@pytest.mark.parametrize(
    ("interruption", "message"),
    [
        (None, "Stopped."),
        (Interruption(), "Stopped."),
        (
            Interruption("4 predictions will be canceled."),
            "Stopped. 4 predictions will be canceled.",
        ),
        (
            Interruption("Prediction abc was canceled.", prediction("canceled")),
            "Stopped. Prediction abc was canceled.",
        ),
        (
            Interruption("client.predictions.cancel('abc') cancels it.", prediction()),
            "Stopped. Prediction abc may still be running: "
            "`replicate-sync predictions cancel abc` cancels it.",
        ),
    ],
)
def test_ctrl_c_says_what_became_of_the_work(
    capsys: pytest.CaptureFixture[str], interruption: Interruption | None, message: str
) -> None:
    interrupt = KeyboardInterrupt()
    if interruption is not None:
        interruption.attach_to(interrupt)
    show_interruption(interrupt, as_json=False)
    assert capsys.readouterr().err == f"{message}\n"


def test_in_a_terminal_ctrl_c_has_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show_interruption(KeyboardInterrupt(), as_json=False)
    assert capsys.readouterr().err == "\nStopped.\n"
