"""What a type checker knows of results; it is checked by mypy, and not run."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from PIL import Image
from typing_extensions import assert_type

import replicate_sync
from replicate_sync import (
    Deployment,
    FileOutput,
    ImageOutput,
    Interruption,
    Model,
    Prediction,
    PredictionFailed,
    Replicate,
    ReplicateError,
    ReplicateHome,
    ResponseError,
    Training,
    Version,
)
from replicate_sync.callable_model import CallableModel
from replicate_sync.offline import LocalReplicate
from replicate_sync.prediction.fields import Status
from replicate_sync.resources.models import Models
from replicate_sync.resources.pages import Pages
from replicate_sync.resources.predictions import Predictions

client = Replicate()
home = ReplicateHome()

assert_type(client.run("meta/meta-llama-3-70b-instruct", {"prompt": "Hello"}), Any)
assert_type(client.run("a/b", expect=str), str)
assert_type(client.run("a/b", expect=list[FileOutput]), list[FileOutput])
assert_type(client.run(client.models.get("a/b")), Any)
assert_type(client.use("a/b"), CallableModel[Any])
assert_type(client.use("a/b", expect=list[FileOutput])(prompt="x"), list[FileOutput])
assert_type(client.use("a/b").create(prompt="x"), Prediction)
assert_type(client.chat("Hello"), Generator[str, None, None])
assert_type(client.stream("a/b"), Generator[str, None, None])
assert_type(client.map("a/b", [{}]), Generator[Any, None, None])
assert_type(client.base_url, str)
assert_type(client.get_model(), str)
assert_type(Replicate.models, list[str])
assert_type(client.models, Models)
assert_type(client.models.get("a/b"), Model)
assert_type(client.models.get("a/b").latest_version, Version | None)
assert_type(client.predictions, Predictions)
assert_type(client.predictions.create("a/b").wait(progress=True), Prediction)
assert_type(client.predictions.get("p1").result(), Any)
assert_type(client.predictions.list(), Pages[Prediction])
assert_type(client.models.list().first_page()[0], Model)
assert_type(next(client.predictions.get("p1").events()), Prediction)
assert_type(client.trainings.get("t1").wait(), Training)
assert_type(client.deployments.get("a/b"), Deployment)
assert_type(home.image("a lighthouse"), ImageOutput)
assert_type(home.chat("Hello"), Generator[str, None, None])
assert_type(ReplicateHome.create_completion("gemma-2b", "Hello"), str | ImageOutput)

assert_type(replicate_sync.run("a/b"), Any)
assert_type(replicate_sync.run("a/b", expect=str), str)
assert_type(replicate_sync.use("a/b", expect=str)(prompt="x"), str)
assert_type(replicate_sync.chat("Hello"), Generator[str, None, None])
assert_type(replicate_sync.predictions, Predictions)
assert_type(replicate_sync.models, Models)
assert_type(replicate_sync.local(), LocalReplicate)
assert_type(replicate_sync.show(client.chat("Hello")), str)
assert_type(FileOutput.read(home.image("a lighthouse")), bytes)
assert_type(home.image("a lighthouse").image(), Image.Image)


def of_errors(
    error: ReplicateError, response_error: ResponseError, failed: PredictionFailed
) -> None:
    assert_type(error.prediction, Prediction | None)
    assert_type(failed.prediction, Prediction)
    assert_type(failed.prediction.status, Status)
    assert_type(error.hint, str)
    assert_type(response_error.status_code, int)
    assert_type(Interruption.of(error), Interruption | None)
