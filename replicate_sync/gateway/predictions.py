"""One prediction of any model, whose inputs are found by its schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import refs
from ..client import Replicate
from ..payloads.input_schema import Inputs
from ..payloads.schemas import ModelSchema
from ..prediction.prediction import Prediction
from .errors import GatewayError
from .work import Work


def model_schema(client: Replicate, ref: refs.ModelRef) -> ModelSchema:
    """Return what a model takes and returns, asked for once; it says nothing if not known."""
    return client.predictions.context.schemas.get(ref, fetch=True)


def first_input(inputs: Inputs, names: Iterable[str], purpose: str, model: object) -> str:
    """Return the first of some names that a model has an input of.

    Args:
        inputs: What the model takes; where nothing is known of it, the first name is meant.
        names: The names, the likeliest first.
        purpose: What it is for, for an error.
        model: The model, for an error.

    Raises:
        GatewayError: The model has none of them.
    """
    candidates = list(names)
    if not inputs:
        return candidates[0]
    for name in candidates:
        if name in inputs:
            return name
    raise GatewayError(
        400, f"{model} takes no {purpose}: it takes {', '.join(inputs)}.", param="model"
    )


def run(client: Replicate, ref: refs.ModelRef, given: dict[str, Any], work: Work) -> Prediction:
    """Block until a model has run, and return the prediction. It ends with its client."""
    prediction = client.predictions.create(str(ref), given, validate=True)
    work.begin(prediction)
    return prediction.wait()
