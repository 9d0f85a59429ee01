"""Models say what they take, and an empty one can be made, described and deleted."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from replicate_sync import InvalidInputError, Model, ModelNotFoundError, Replicate, Version

API = "https://api.replicate.com/v1"
VERSION = "ab" * 32
FLUX = "black-forest-labs/flux-schnell"
SCHEMAS = {"Input": {"type": "object", "properties": {"prompt": {"type": "string"}}}}
DOCUMENT = {"components": {"schemas": SCHEMAS}}


def test_what_a_model_takes_is_displayed_and_validated(local_client: Replicate) -> None:
    flux = local_client.models.get(FLUX)
    assert "prompt" in flux.inputs
    assert "num_outputs" in str(flux.inputs)
    with pytest.raises(InvalidInputError, match="num_outputs"):
        local_client.run(FLUX, {"prompt": "x", "num_output": 2}, validate=True)
    with pytest.raises(InvalidInputError, match="num_outputs must be at most 4"):
        local_client.run(FLUX, {"prompt": "x", "num_outputs": 9})


@pytest.mark.parametrize("reference", ["a/b", f"a/b:{VERSION}"])
@responses.activate
def test_the_inputs_of_a_model_are_fetched_once(reference: str) -> None:
    version = {"id": VERSION, "openapi_schema": DOCUMENT}
    responses.get(f"{API}/models/a/b", json={"latest_version": version})
    responses.get(f"{API}/models/a/b/versions/{VERSION}", json=version)
    client = Replicate("r8_x")
    for _ in range(2):
        assert list(client.models.inputs(reference)) == ["prompt"]
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    "document", [None, {}, {"components": None}, {"components": {"schemas": 5}}, "x"]
)
def test_a_version_without_a_schema_has_no_inputs(document: Any) -> None:
    version = Version.from_json({"id": VERSION, "openapi_schema": document})
    assert version.schemas is None
    assert list(version.inputs) == []


@pytest.mark.parametrize("latest", [None, {}, {"id": None}, 5])
def test_a_model_without_a_version_has_no_inputs(latest: Any) -> None:
    model = Model.from_json({"owner": "a", "name": "b", "latest_version": latest})
    assert model.latest_version is None
    assert list(model.inputs) == []


def test_the_inputs_of_a_model_are_those_of_its_latest_version() -> None:
    version = {"id": VERSION, "openapi_schema": DOCUMENT}
    model = Model.from_json({"owner": "a", "name": "b", "latest_version": version})
    assert model.latest_version == Version.from_json(version)
    assert list(model.inputs) == ["prompt"]


@responses.activate
def test_the_class_has_the_known_models_and_a_client_the_resource() -> None:
    assert Replicate.default_model in Replicate.models
    responses.get(f"{API}/models/a/b", json={"owner": "a", "name": "b"})
    assert Replicate("r8_x").models.get("a/b").name == "b"


def test_an_empty_model_is_made_changed_and_deleted(local_client: Replicate) -> None:
    models = local_client.models
    empty = models.create(
        "local/empty", visibility="private", hardware="cpu", description="nothing"
    )
    assert models.update(str(empty), readme="# Read me").description == "nothing"
    assert models.readme.get(str(empty)) == "# Read me"
    models.delete(str(empty))
    with pytest.raises(ModelNotFoundError):
        models.get(str(empty))


@pytest.mark.slow
def test_the_examples_of_a_model_are_predictions_of_it(local_client: Replicate) -> None:
    examples = list(local_client.models.examples.list(FLUX))
    assert examples
    assert {example.model for example in examples} == {FLUX}
