"""The protocol of Replicate's homepage: it creates, polls by id, and cannot cancel.

A create's response needs nothing but an id; a poll's nothing but a status, an output or an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from .deadline import Deadline
from .exceptions import ConnectionFailed, InvalidInputError, ReplicateError, ResponseError
from .prediction.context import Context
from .prediction.prediction import Prediction
from .refs import ModelRef

_TOKEN_HINT = (
    "Replicate's public homepage endpoint has been closed; pass a token, "
    "ReplicateHome(api_key=…), and the same models run through the official API."
)

_Self = TypeVar("_Self", bound=Prediction)


def create_on_homepage(
    context: Context, ref: ModelRef, given: Mapping[str, object], deadline: Deadline
) -> Prediction:
    """Create a prediction on the homepage, and return it.

    Args:
        context: The client's.
        ref: The model and its version.
        given: The model's input.
        deadline: The deadline of the call.

    Raises:
        ConnectionFailed: There was no response; `hint` names the official API.
        ResponseError: The homepage refuses, or is gone; likewise.
    """
    body = {"model": ref.model, "version": ref.version, "input": given}
    try:
        return context.transport.request(
            "POST",
            "/api/prediction",
            body,
            repeatable=False,
            deadline=deadline,
            build=partial(_HomepagePrediction, context=context),
        )
    except (ConnectionFailed, ResponseError) as error:
        _add_token_hint(error)
        raise


class PolledPrediction(Prediction):
    """A prediction that is only ever polled."""

    @property
    def _stream_url(self) -> None:
        return None


class _HomepagePrediction(PolledPrediction):
    """A prediction of the homepage, which can be polled and not canceled."""

    def update(self: _Self, data: Any) -> _Self:
        """Take over what the homepage says of this prediction, and return it."""
        if isinstance(data, dict):
            identifier = data.get("id") or vars(self).get("id")
            if isinstance(identifier, int) and not isinstance(identifier, bool):
                identifier = str(identifier)
            data = {**data, "id": identifier, "status": _status_of(data)}
        return super().update(data)

    def _poll(self, deadline: Deadline) -> None:
        try:
            self._context.transport.request(
                "GET",
                "/api/poll",
                params={"id": self.id},
                deadline=deadline,
                build=self.update,
            )
        except ResponseError as error:
            _add_token_hint(error)
            raise

    def cancel(self: _Self) -> _Self:
        """Raise InvalidInputError: the homepage cannot cancel."""
        raise InvalidInputError(
            "The homepage has no way to cancel a prediction; it ends by itself."
        )

    def abandon(self, seconds: float = 0.0) -> None:
        """Let it end by itself."""


def _status_of(data: Mapping[str, Any]) -> str:
    """Return the status in a response of the homepage, or the one that follows from the rest."""
    status = data.get("status")
    if isinstance(status, str):
        return status
    if data.get("error"):
        return "failed"
    if data.get("output") is not None:
        return "succeeded"
    return "processing"


def _add_token_hint(error: ReplicateError) -> None:
    """Let an error which says that the homepage is closed to us, or gone, name the way out."""
    is_about_input = isinstance(error, ResponseError) and error.status_code in (422, 429)
    if not is_about_input:
        error.hint = _TOKEN_HINT
