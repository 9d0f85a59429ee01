"""Leaving a map early: what is in flight is canceled, and it is said what could not be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic, sleep

from ..exceptions import ReplicateError
from ..prediction.creation import Creation
from ..prediction.leaving import CANCEL_TIMEOUT
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .window import call_for_each

_MAX_THREADS = 48
# Seconds that it may take: a look-up, and canceling what it has found.
_MAX_SECONDS = 1.5 * CANCEL_TIMEOUT
_MAX_NAMED = 20
_PAUSE = 0.01  # seconds
_log = logging.getLogger("replicate_sync")


def cancel_all(
    predictions: Predictions,
    creations: Sequence[Creation[Prediction]],
    is_idle: Callable[[], bool],
) -> tuple[str, bool]:
    """Cancel what creates have made, or may have made.

    Args:
        predictions: The account's.
        creations: The creates, which are sent by other threads.
        is_idle: Whether these threads have all had their responses.

    Returns:
        What became of it, as sentences; and whether nothing of it is left.
    """

    def abandon(creation: Creation[Prediction]) -> None:
        try:
            predictions.abandon(creation)
        except ReplicateError as error:
            _log.debug("a create could not be abandoned: %s", error)

    for creation in creations:
        creation.is_unwanted = True  # what was not sent yet is not sent any more
    end = monotonic() + _MAX_SECONDS
    call_for_each(abandon, creations, _MAX_SECONDS, _MAX_THREADS)
    if monotonic() < end and _are_some_equal(creations):
        # A look-up may have taken one for another's. The response of that brings it to light, and
        # its thread cancels what was left.
        while not is_idle() and monotonic() < end:
            sleep(_PAUSE)
    return describe_canceled(creations)


def _are_some_equal(creations: Sequence[Creation[Prediction]]) -> bool:
    return len({creation.evidence.digest for creation in creations}) < len(creations)


def describe_canceled(creations: Sequence[Creation[Prediction]]) -> tuple[str, bool]:
    """Return what became of creates that were to be canceled, and whether nothing of it is left."""
    made = [creation.prediction for creation in creations if creation.prediction is not None]
    running = [prediction.id for prediction in made if not prediction.ended]
    unknown = [
        creation
        for creation in creations
        if creation.prediction is None and creation.state not in ("planned", "rejected")
    ]
    sentences = [f"{count_in_flight(len(creations))} {_were(len(creations))} canceled."]
    if running or unknown:
        canceled = len(made) - len(running)
        sentences = [
            f"{count_in_flight(len(creations))}, of which {canceled} {_were(canceled)} canceled."
        ]
    if running:
        names = ", ".join(running[:_MAX_NAMED])
        more = "" if len(running) <= _MAX_NAMED else f" and {len(running) - _MAX_NAMED} more"
        sentences.append(f"These could not be canceled, and may still be running: {names}{more}.")
    if unknown:
        sentences.append(
            f"Of {len(unknown)} it is not known whether they were created: see "
            "client.predictions.list()."
        )
    return " ".join(sentences), len(sentences) == 1


def count_in_flight(count: int) -> str:
    """Return so many predictions in words."""
    return f"{count} prediction{'' if count == 1 else 's'} in flight"


def _were(count: int) -> str:
    if count == 1:
        return "was"
    return "were"
