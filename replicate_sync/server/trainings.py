"""Trainings: the run of a trainer, at whose end a model has one more version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import job_context
from .catalog import Catalog
from .models import Model


def training(model: Model, destination: str, catalog: Catalog) -> Model:
    """Give the training of a model with a trainer, as a model that is run once.

    Its output is the new version of the destination, and whatever the trainer made: an object adds its keys,
    nothing adds none, and anything else is the weights.
    """
    trainer = model.trainer
    if trainer is None:
        raise ValueError(f"{model.name} has no trainer.")
    function = trainer.function

    def train(**given: Any) -> dict[str, Any]:
        made = function(**given)
        job_context.check()  # one that was canceled leaves no version behind
        new = catalog.add(destination, model)
        output = {"version": f"{destination}:{new.version}"}
        if isinstance(made, Mapping):
            return {**made, **output}
        return output if made is None else {**output, "weights": made}

    return replace(model, function=train, input=trainer.input, output={"type": "object"}, trainer=None)
