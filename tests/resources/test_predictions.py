"""Predictions take the route of their model, and what is wrong is found before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from PIL import Image
from wire import CUT, MakeClient, Request, StartWire, response

from replicate_sync import (
    InputRejectedError,
    InvalidInputError,
    ModelNotFoundError,
    NotFoundError,
    Polling,
    Replicate,
    Retries,
    UnknownModelError,
)
from replicate_sync.offline import LocalReplicate

API = "https://api.replicate.com/v1"
VERSION = "ab" * 32
SCHEMA = {
    "Input": {
        "type": "object",
        "properties": {"prompt": {"type": "string"}, "seed": {"type": "integer", "maximum": 9}},
        "required": ["prompt"],
    }
}
MODEL = {
    "owner": "a",
    "name": "b",
    "latest_version": {"id": VERSION, "openapi_schema": {"components": {"schemas": SCHEMA}}},
}


def prediction(status: str = "starting", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": status, **fields}


def new_client() -> Replicate:
    return Replicate("r8_x", polling=Polling(attempts=5, delay=0), retries=Retries(attempts=1))


def sent() -> list[str]:
    """Return the methods and paths of the requests so far."""
    urls = [(call.request.method, urlsplit(call.request.url)) for call in responses.calls]
    return [f"{method} {url.path}" for method, url in urls]


# -- Routes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("a/b", "/models/a/b/predictions", None),
        ("flux-schnell", "/models/black-forest-labs/flux-schnell/predictions", None),
        (f"a/b:{VERSION}", "/predictions", VERSION),
        (VERSION, "/predictions", VERSION),
    ],
)
@responses.activate
def test_each_kind_of_reference_takes_its_route(model: str, path: str, version: str | None) -> None:
    responses.post(f"{API}{path}", json=prediction(), status=201)
    new_client().predictions.create(model, {"prompt": "x"})
    request = responses.calls[0].request
    body = json.loads(request.body or b"")
    assert body["input"] == {"prompt": "x"}
    assert body.get("version") == version
    assert "Prefer" not in request.headers


@responses.activate
def test_a_community_model_runs_by_its_latest_version_which_is_remembered() -> None:
    responses.post(f"{API}/models/a/b/predictions", status=404, json={"detail": "not found"})
    responses.get(f"{API}/models/a/b", json={**MODEL, "latest_version": {"id": VERSION}})
    responses.post(f"{API}/predictions", json=prediction("succeeded", output=1), status=201)
    client = new_client()
    assert client.run("a/b") == client.run("a/b") == 1
    assert sent() == [
        "POST /v1/models/a/b/predictions",
        "GET /v1/models/a/b",
        "POST /v1/predictions",
        "POST /v1/predictions",
    ]


@responses.activate
def test_a_model_that_does_not_exist_is_an_error_that_names_it() -> None:
    responses.post(f"{API}/models/a/b/predictions", status=404, json={"detail": "nothing"})
    responses.get(f"{API}/models/a/b", status=404, json={"detail": "nothing"})
    with pytest.raises(UnknownModelError, match="'a/b'") as raised:
        new_client().run("a/b")
    assert isinstance(raised.value, ModelNotFoundError)
    assert raised.value.status_code == 404


@responses.activate
def test_a_model_without_a_version_is_an_error_of_its_own() -> None:
    responses.post(f"{API}/models/a/b/predictions", status=404, json={"detail": "nothing"})
    responses.get(f"{API}/models/a/b", json={"latest_version": None})
    with pytest.raises(ModelNotFoundError, match="has no version that could be run") as raised:
        new_client().run("a/b")
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.slow
def test_a_lost_prediction_of_a_community_model_is_recognized_by_its_version(
    wire: StartWire, client_of: MakeClient
) -> None:
    others = prediction(id="p2", version="cd" * 32)
    lost = prediction("succeeded", id="p3", version=VERSION, output=3)

    def reply(request: Request) -> list[Any]:
        if request.path == "/v1/models/a/b":
            return [response(MODEL)]
        if request.path == "/v1/models/a/b/predictions":
            return [response({"detail": "nothing"}, 404)]
        if request.method == "POST":
            return [CUT]
        return [response({"next": None, "results": [others, lost]})]

    assert client_of(wire(reply)).run("a/b", {"prompt": "x"}) == 3


@responses.activate
def test_an_id_that_does_not_exist_is_not_found() -> None:
    responses.get(f"{API}/predictions/p9", status=404, json={"detail": "no such prediction"})
    with pytest.raises(NotFoundError, match="no such prediction") as raised:
        new_client().predictions.get("p9")
    assert not isinstance(raised.value, ModelNotFoundError)


@responses.activate
def test_cancel_returns_the_prediction_as_it_then_is() -> None:
    responses.post(f"{API}/predictions/p1/cancel", json=prediction("canceled"))
    assert new_client().predictions.cancel("p1").status == "canceled"


@responses.activate
def test_the_field_stream_of_old_is_sent_where_it_was_given() -> None:
    responses.post(f"{API}/predictions", json=prediction(), status=201)
    for stream in (True, False, None):
        new_client().predictions.create(VERSION, stream=stream)
        body = json.loads(responses.calls[-1].request.body or b"")
        assert body.get("stream") is stream


# -- What is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.run("a/b", {"seed": float("inf")}),
        lambda client: client.run("a/b", "prompt"),
        lambda client: client.run("no-such-alias", {}),
        lambda client: client.stream("a/b", {"x": object()}),
        lambda client: client.chat([]),
        lambda client: client.chat("hi", extra_data="x"),
        lambda client: client.predictions.create("a/b", {}, webhook="nowhere"),
        lambda client: client.predictions.create("a/b", {}, webhook_events_filter=["ended"]),
        lambda client: client.predictions.create("a/b", {}, cancel_after="2 days"),
        lambda client: client.predictions.create("a/b", {}, cancel_after=1),
        lambda client: client.predictions.create("a/b", {}, stream="yes"),
        lambda client: client.predictions.get(""),
        lambda client: client.predictions.get(None),
        lambda client: client.trainings.create("a/b", destination="c/d"),
        lambda client: client.trainings.create(f"a/b:{VERSION}", destination="c"),
        lambda client: client.deployments.get("a/b:c"),
        lambda client: client.models.get("../x"),
        lambda client: client.models.versions.get("a/b"),
        lambda client: client.models.list(limit=-1),
        lambda client: client.files.create(5),
    ],
)
def test_a_wrong_argument_is_an_error_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient, call: Callable[[Replicate], object]
) -> None:
    server = wire(lambda request: [response(prediction("succeeded"), 201)])
    with pytest.raises((InvalidInputError, ModelNotFoundError)) as raised:
        call(client_of(server))
    assert not hasattr(raised.value, "status_code")
    assert server.requests == []


@responses.activate
def test_an_input_that_the_api_refuses_is_an_error_with_its_fields() -> None:
    fields = [{"type": "number_lte", "field": "seed", "description": "too large"}]
    problem = {"detail": "- input.seed: too large", "invalid_fields": fields}
    responses.post(f"{API}/predictions", status=422, json=problem)
    with pytest.raises(InputRejectedError, match="too large") as raised:
        new_client().run(VERSION, {"seed": 10})
    assert isinstance(raised.value, InvalidInputError)
    assert raised.value.fields == fields


@responses.activate
def test_an_input_is_validated_by_the_schema_that_validate_fetches() -> None:
    responses.get(f"{API}/models/a/b", json=MODEL)
    client = new_client()
    with pytest.raises(InvalidInputError, match="does not fit a/b") as raised:
        client.run("a/b", {"seed": 10}, validate=True)
    assert {field["type"] for field in raised.value.fields} == {"client"}
    assert "seed" in str(raised.value)
    assert sent() == ["GET /v1/models/a/b"]


@responses.activate
def test_an_input_is_validated_by_a_known_schema_unless_that_is_declined() -> None:
    responses.get(f"{API}/models/a/b", json=MODEL)
    ended = prediction("succeeded", output=1)
    responses.post(f"{API}/models/a/b/predictions", json=ended, status=201)
    client = new_client()
    assert client.run("a/b", {"seed": 10}) == 1
    assert "seed" in client.models.inputs("a/b")
    with pytest.raises(InvalidInputError, match="seed"):
        client.run("a/b", {"seed": 10})
    assert client.run("a/b", {"seed": 10}, validate=False) == 1
    assert sent().count("GET /v1/models/a/b") == 1


# -- On a local Replicate --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_output_of_one_model_is_an_input_of_another(
    local: LocalReplicate, local_client: Replicate
) -> None:
    @local.server.model("me/half")
    def half(image: Path) -> Image.Image:
        picture = Image.open(image)
        return picture.resize((picture.width // 2, picture.height // 2))

    size = {"width": 512, "height": 256}
    [picture] = local_client.run("bytedance/sdxl-lightning-4step", {"prompt": "a hill", **size})
    assert local_client.run("me/half", {"image": picture}).image().size == (256, 128)
    assert local_client.run("me/half", {"image": Image.new("RGB", (8, 8))}).image().size == (4, 4)


def test_an_object_with_files_in_it_is_returned_with_files_in_it(
    local: LocalReplicate, local_client: Replicate
) -> None:
    @local.server.model("me/both")
    def both() -> dict[str, Any]:
        return {"picture": Image.new("RGB", (3, 3)), "words": ["a", "b"], "n": 1}

    result = local_client.run("me/both")
    assert result["picture"].image().size == (3, 3)
    assert (result["words"], result["n"]) == (["a", "b"], 1)
