"""Errors in the words of a shell: what happened, and what to do about it there.

What happened is the error's own message. What to do is chosen here by the error's class wherever
the library's hint is one for a program, such as an argument to pass.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TypedDict

import click

from ..exceptions import (
    TOKEN_PAGE,
    TOKEN_VARIABLE,
    AuthenticationError,
    ConnectionFailed,
    Interruption,
    MissingAuthError,
    ModelNotFoundError,
    NotFoundError,
    PredictionTimeout,
    ReplicateError,
    ResponseError,
    ServerError,
    StreamError,
)
from ..http.config import BASE_URL_VARIABLE
from .echo import echo

if TYPE_CHECKING:
    from ..prediction.prediction import Prediction

_SET_TOKEN = (
    f"Set the environment variable {TOKEN_VARIABLE} (tokens are made at {TOKEN_PAGE}), or try "
    "without one, on this machine, with --local."
)
_CHECK_TOKEN = f"Check the token in {TOKEN_VARIABLE}; new ones are made at {TOKEN_PAGE}"
_CHECK_ID = "Check the id; `replicate-sync predictions list` shows those of this account."
_CHECK_STATUS_PAGE = "This is not your fault; see https://www.replicatestatus.com."
_CHECK_BASE_URL = f"Check {BASE_URL_VARIABLE}, and any proxy between."
_CHECK_NETWORK = f"Check the network connection, {BASE_URL_VARIABLE}, HTTPS_PROXY and NO_PROXY."
_TRY_AGAIN = f"Try again; if it fails again, check the network connection and {BASE_URL_VARIABLE}."
_MAYBE_CREATED = (
    "A prediction may have been created: see `replicate-sync predictions list` before you run it "
    "again."
)


class ErrorDocument(TypedDict):
    """An error as JSON."""

    #: The name of its class.
    type: str
    #: What happened, and what to do about it.
    message: str
    #: The id of the prediction that it is about, if there is one.
    prediction: str | None


def show_error(error: Exception, *, as_json: bool) -> None:
    """Write an error to stderr: as a sentence, or as a line of JSON."""
    if as_json:
        _show_document(describe_error(error))
    else:
        echo(f"Error: {error_message(error)}", err=True)


def show_interruption(interrupt: KeyboardInterrupt, *, as_json: bool) -> None:
    """Write to stderr that Ctrl-C was pressed, and what became of the work."""
    interruption = Interruption.of(interrupt) or Interruption()
    message = f"Stopped. {_aftermath(interruption)}".strip()
    if as_json:
        _show_document(_document(interrupt, message, interruption.prediction))
        return
    if sys.stderr.isatty():
        echo(err=True)  # below the terminal's ^C
    echo(message, err=True)


def describe_error(error: Exception) -> ErrorDocument:
    """Return an error as JSON."""
    prediction = None
    if isinstance(error, ReplicateError):
        prediction = error.prediction
    return _document(error, error_message(error), prediction)


def error_message(error: Exception) -> str:
    """Return what happened, and what to do about it in a shell."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ReplicateError):
        return _library_message(error)
    if isinstance(error, OSError):
        return _system_message(error)
    return str(error)


def _system_message(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename:
        return f"{error.filename}: {reason}."
    return f"{reason}."


def _library_message(error: ReplicateError) -> str:
    prediction = error.prediction
    if prediction is not None:
        if isinstance(error, PredictionTimeout):
            return _timeout_message(prediction)
        if isinstance(error, StreamError):
            return (
                f"The event stream of prediction {prediction.id} broke after {len(error.text)} "
                "characters and could not be resumed: "
                f"`replicate-sync predictions show {prediction.id}` shows what became of it."
            )
    return f"{error.message} {_hint(error)}".strip()


def _timeout_message(prediction: Prediction) -> str:
    if prediction.ended:
        return (
            f"Prediction {prediction.id} had not ended in time, and was canceled, as the local "
            "server ends with the command."
        )
    return (
        f"Prediction {prediction.id} is still {prediction.status}, and keeps running: "
        f"`replicate-sync predictions wait {prediction.id}` waits for it, "
        f"`replicate-sync predictions cancel {prediction.id}` cancels it."
    )


def _hint(error: ReplicateError) -> str:
    """Return what to do about an error in a shell."""
    if isinstance(error, MissingAuthError):
        return _SET_TOKEN
    if isinstance(error, ConnectionFailed):
        return _connection_hint(error)
    if isinstance(error, ResponseError):
        return _response_hint(error)
    return error.hint


def _connection_hint(error: ConnectionFailed) -> str:
    if error.maybe_created:
        return _MAYBE_CREATED
    if not error.maybe_sent:
        return _CHECK_NETWORK
    return _TRY_AGAIN


def _response_hint(error: ResponseError) -> str:
    if isinstance(error, AuthenticationError) and error.status_code == 401:
        return _CHECK_TOKEN
    if isinstance(error, NotFoundError) and not isinstance(error, ModelNotFoundError):
        return _CHECK_ID
    hints = []
    if isinstance(error, ServerError):
        hints.append(_CHECK_STATUS_PAGE)
    elif error.status_code < 400:
        hints.append(_CHECK_BASE_URL)
    if error.maybe_created:
        hints.append(_MAYBE_CREATED)
    return " ".join(hints) or error.hint


def _aftermath(interruption: Interruption) -> str:
    """Return what became of interrupted work."""
    prediction = interruption.prediction
    if prediction is not None and not prediction.ended:
        return (
            f"Prediction {prediction.id} may still be running: "
            f"`replicate-sync predictions cancel {prediction.id}` cancels it."
        )
    return interruption.message


def _document(error: BaseException, message: str, prediction: Prediction | None) -> ErrorDocument:
    return {
        "type": type(error).__name__,
        "message": message,
        "prediction": None if prediction is None else prediction.id,
    }


def _show_document(document: ErrorDocument) -> None:
    echo(json.dumps({"error": document}), err=True)
