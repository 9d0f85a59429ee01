"""One run of a model, as a batch takes it to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..prediction.create_options import PredictionRequest
from ..prediction.creation import Creation
from ..prediction.prediction import Prediction


class Run(NamedTuple):
    """What to run, and the steps of it."""

    request: PredictionRequest
    #: Validates and uploads; creates nothing.
    plan: Callable[[], Creation[Prediction]]
    #: Sends a create that was planned, and returns its prediction.
    send: Callable[[Creation[Prediction]], Prediction]
    #: Waits until a prediction has succeeded.
    wait: Callable[[Prediction], None]
    #: What tells it from others of the same model and input.
    name: str = ""
