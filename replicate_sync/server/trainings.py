"""Trainings: the run of a trainer, after which a model has one more version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import job_context
from .catalog import Catalog
from .json_types import JSONObject
from .models import Model


def training_model(model: Model, destination: str, catalog: Catalog) -> Model:
    """Return the training of a model as a model that is run once.

    Its output has the new version of the destination, and what the trainer returned: the keys of an
    object, or anything else but None as the weights.

    Args:
        model: A model with a trainer.
        destination: The name of the model that gets the version.
        catalog: The models of the server.

    Raises:
        ValueError: The model has no trainer.
    """
    trainer = model.trainer
    if trainer is None:
        raise ValueError(f"{model.name} has no trainer.")
    function = trainer.function

    def train(**input: object) -> JSONObject:
        result = function(**input)
        job_context.raise_if_canceled()  # a canceled training creates no version
        version = catalog.add_version(destination, model)
        output: JSONObject = {"version": f"{destination}:{version.version}"}
        if isinstance(result, Mapping):
            return {**result, **output}
        if result is not None:
            output["weights"] = result
        return output

    return replace(
        model,
        function=train,
        input=trainer.input,
        output={"type": "object"},
        trainer=None,
        slot=trainer.slot,
    )
