"""A schema is fetched when it is first needed, once, and doing without one is never an error."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from replicate_sync import Replicate
from replicate_sync.exceptions import InvalidInputError, ModelNotFoundError
from replicate_sync.http.config import ApiConfig
from replicate_sync.http.transport import Transport
from replicate_sync.payloads.schema_cache import SchemaCache
from replicate_sync.polling import Retries
from replicate_sync.refs import ModelRef

API = "https://api.replicate.com/v1"
MODEL = f"{API}/models/a/b"
SCHEMAS = {
    "Input": {"properties": {"prompt": {"type": "string"}}},
    "Output": {"type": "string", "format": "uri"},
}


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Return an API in this process, which does not mind what is never requested."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def cache() -> SchemaCache:
    return SchemaCache(Transport(ApiConfig("https://api.replicate.com/v1"), retries=Retries(1)))


def version(version_id: Any = "v", schemas: Any = SCHEMAS) -> dict[str, Any]:
    return {"id": version_id, "openapi_schema": {"components": {"schemas": schemas}}}


def paths(api: responses.RequestsMock) -> list[str]:
    """Return what has been requested so far."""
    return [str(call.request.url).removeprefix(f"{API}/models/") for call in api.calls]


def test_the_latest_version_is_found_and_its_schema_kept(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(MODEL, json={"latest_version": version("v1")})
    assert cache.latest_version("a/b") == "v1"
    for schema in (
        cache.get(ModelRef("a/b"), fetch=False),
        cache.get(ModelRef("a/b", "v1"), fetch=True),
        cache.get(ModelRef(None, "v1"), fetch=True),
        cache.for_output("a/b", None),
        cache.for_output("a/b", "v1"),
        cache.for_output(None, "v1"),
    ):
        assert schema.raw == SCHEMAS
    assert len(api.calls) == 1


@pytest.mark.parametrize("model", [{}, {"latest_version": None}, {"latest_version": version(None)}])
def test_a_model_without_a_version_is_an_error(
    api: responses.RequestsMock, cache: SchemaCache, model: Any
) -> None:
    api.get(MODEL, json=model)
    with pytest.raises(
        ModelNotFoundError, match="'a/b' has no version that could be run"
    ) as raised:
        cache.latest_version("a/b")
    assert raised.value.hint == "Ask its owner to publish one."


def test_an_unknown_model_is_an_error_of_the_latest_version(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(MODEL, json={"detail": "no"}, status=404)
    with pytest.raises(ModelNotFoundError):
        cache.latest_version("a/b")


def test_a_schema_is_not_fetched_for_a_check_unless_that_is_asked_for(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(f"{MODEL}/versions/v", json=version())
    ref = ModelRef("a/b", "v")
    assert cache.get(ref, fetch=False).raw is None
    assert list(cache.get(ref, fetch=True).inputs) == ["prompt"]
    assert list(cache.get(ref, fetch=False).inputs) == ["prompt"]
    assert cache.get(ModelRef("a/b"), fetch=False).raw is None
    assert paths(api) == ["a/b/versions/v"]


def test_the_schema_of_a_deployment_is_that_of_what_it_runs(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    release = {"number": 1, "model": "a/b", "version": "v"}
    deployment = api.get(f"{API}/deployments/me/mine", json={"current_release": release})
    api.get(f"{MODEL}/versions/v", json=version())
    ref = ModelRef(None, deployment="me/mine")
    assert cache.for_validation(ref, fetch=False).raw is None
    assert list(cache.for_validation(ref, fetch=True).inputs) == ["prompt"]
    assert list(cache.for_validation(ref, fetch=False).inputs) == ["prompt"]
    assert deployment.call_count == 1


@pytest.mark.parametrize("body", [[], {}, {"current_release": None}, {"current_release": {"x": 1}}])
def test_a_deployment_that_does_not_say_what_it_runs_has_no_schema(
    api: responses.RequestsMock, cache: SchemaCache, body: Any
) -> None:
    api.get(f"{API}/deployments/me/mine", json=body)
    assert cache.get(ModelRef(None, deployment="me/mine"), fetch=True).raw is None


def test_a_deployment_that_does_not_exist_has_no_schema(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(f"{API}/deployments/me/mine", status=404, json={"detail": "no"})
    assert cache.get(ModelRef(None, deployment="me/mine"), fetch=True).raw is None


def test_a_schema_is_fetched_and_parsed_once(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(f"{MODEL}/versions/v", json=version())
    schema = cache.for_output("a/b", "v")
    assert schema.output_description == "a file"
    assert cache.for_output("a/b", "v") is schema
    assert cache.get(ModelRef("a/b", "v"), fetch=False) is schema
    assert len(api.calls) == 1


@pytest.mark.parametrize("hidden", ["hidden", None, ""])
def test_the_version_of_an_official_model_is_its_latest_one(
    api: responses.RequestsMock, cache: SchemaCache, hidden: str | None
) -> None:
    api.get(MODEL, json={"latest_version": version()})
    assert cache.for_output("a/b", hidden).raw == SCHEMAS
    assert cache.for_output("a/b", hidden).raw == SCHEMAS
    assert paths(api) == ["a/b"]


def test_a_version_that_is_gone_has_the_schema_of_the_latest_one(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(f"{MODEL}/versions/gone", json={}, status=404)
    api.get(MODEL, json={"latest_version": version()})
    assert cache.for_output("a/b", "gone").raw == SCHEMAS
    assert cache.get(ModelRef("a/b", "gone"), fetch=False).raw is None
    assert paths(api) == ["a/b/versions/gone", "a/b"]


@pytest.mark.parametrize(
    ("model", "version_id"),
    [("a/b", "v/x"), ("a/b", ".."), ("../x", "v"), ("a/b:c", None), ("a", None), ("a/b?x", None)],
)
def test_a_model_that_would_lead_elsewhere_has_no_schema(
    api: responses.RequestsMock, cache: SchemaCache, model: str, version_id: str | None
) -> None:
    assert cache.for_output(model, version_id).raw is None
    assert len(api.calls) == 0


@pytest.mark.parametrize("data", [[], {}, {"openapi_schema": None}, version(schemas=None)])
def test_a_schema_that_the_api_does_not_return_is_unknown(
    api: responses.RequestsMock, cache: SchemaCache, data: Any
) -> None:
    api.get(f"{MODEL}/versions/v", json=data)
    assert cache.for_output("a/b", "v").raw is None
    assert cache.for_output("a/b", "v").raw is None
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_schema_that_may_not_be_seen_is_requested_once(
    api: responses.RequestsMock, cache: SchemaCache, status: int
) -> None:
    api.get(MODEL, json={}, status=status)
    assert cache.for_output("a/b", None).raw is None
    assert cache.for_output("a/b", None).raw is None
    assert len(api.calls) == 1


@pytest.mark.parametrize("failure", [{"status": 500}, {"body": ConnectionError("cut")}])
def test_after_a_passing_failure_the_schema_is_requested_again(
    api: responses.RequestsMock, cache: SchemaCache, failure: Any
) -> None:
    failed = api.get(f"{MODEL}/versions/v", **failure)
    assert cache.for_output("a/b", "v").raw is None
    api.remove(failed)
    api.get(f"{MODEL}/versions/v", json=version())
    assert cache.for_output("a/b", "v").raw == SCHEMAS


@pytest.mark.parametrize(("model", "run"), [(None, "v"), (None, None), ("", ""), (None, "hidden")])
def test_a_version_without_a_model_is_not_fetched(
    api: responses.RequestsMock, cache: SchemaCache, model: str | None, run: str | None
) -> None:
    assert cache.for_output(model, run).raw is None
    assert cache.for_output(model, run).inputs == {}
    assert len(api.calls) == 0


def test_a_pickled_cache_still_has_its_schemas(
    api: responses.RequestsMock, cache: SchemaCache
) -> None:
    api.get(f"{MODEL}/versions/v", json=version())
    assert cache.for_output("a/b", "v").output.is_file
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.for_output("a/b", "v").output.is_file
    assert len(api.calls) == 1


def test_a_run_is_checked_before_it_is_paid_for(api: responses.RequestsMock) -> None:
    schemas = {
        "Input": {
            "required": ["prompt"],
            "properties": {"prompt": {}, "steps": {"type": "integer", "maximum": 50}},
        }
    }
    api.get(MODEL, json={"latest_version": version(schemas=schemas)})
    done = {"id": "p1", "status": "succeeded", "output": 5}
    api.post(f"{MODEL}/predictions", json=done, status=201)
    client = Replicate("r8_x")
    assert client.run("a/b", {"anything": 1}) == 5  # not known yet, so the API's to judge
    too_many = "prompt is required; steps must be at most 50"
    with pytest.raises(InvalidInputError, match=too_many) as raised:
        client.run("a/b", {"steps": 99}, validate=True)
    assert [field["description"] for field in raised.value.fields] == [
        "prompt is required",
        "steps must be at most 50, not 99",
    ]
    with pytest.raises(InvalidInputError, match="prompt is required"):
        client.run("a/b", {"steps": 5})  # known by now
    assert client.run("a/b", {"steps": 99}, validate=False) == 5
    assert client.run("a/b", {"prompt": "x"}) == 5
    assert paths(api).count("a/b") == 1
