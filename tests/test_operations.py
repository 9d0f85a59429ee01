"""Every operation of the HTTP API: method, path, query and body, and what it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from replicate_sync import InvalidInputError, Prediction, Replicate, Retries, Training
from replicate_sync.records import Account, Collection, Deployment, File, Found, Hardware, Model, Version

API = "https://api.replicate.com/v1"
V = "ab" * 32
PREDICTION = {"id": "p1", "status": "starting", "model": "a/b", "input": {}}
PAGE = {"next": None, "previous": None}
MODEL = {
    "owner": "a",
    "name": "b",
    "url": "https://replicate.com/a/b",
    "run_count": 5,
    "brand_new": True,
    "latest_version": None,
}
RELEASE = {"number": 1, "model": "a/b", "version": V, "configuration": {"hardware": "cpu"}}
DEPLOYMENT = {"owner": "a", "name": "d", "current_release": RELEASE}
DEPLOY: dict[str, Any] = {
    "name": "d",
    "model": "a/b",
    "version": V,
    "hardware": "cpu",
    "min_instances": 0,
    "max_instances": 1,
}
FILE = {"id": "f1", "name": "x.txt", "content_type": "text/plain", "size": 2, "urls": {"get": f"{API}/files/f1"}}
INPUT = {"input": {"x": 1}}

Call = Callable[[Replicate], Any]

# Operation, call, method, path (with query), the body sent, the status and body answered, the type of what is given.
OPERATIONS: list[tuple[str, Call, str, str, Any, int, Any, Any]] = [
    ("account.get", lambda c: c.account.get(), "GET", "/account", None, 200, {"type": "user", "username": "a"}, Account),
    ("collections.list", lambda c: c.collections.list(), "GET", "/collections", None, 200, [{"slug": "s"}], Collection),
    ("collections.get", lambda c: c.collections.get("s"), "GET", "/collections/s", None, 200, {"slug": "s", "models": [MODEL]}, Collection),
    ("models.list", lambda c: c.models.list(sort_by="model_created_at", sort_direction="asc"), "GET", "/models?sort_by=model_created_at&sort_direction=asc", None, 200, [MODEL], Model),
    ("models.create", lambda c: c.models.create("a/b", visibility="private", hardware="cpu", description="d"), "POST", "/models", {"owner": "a", "name": "b", "visibility": "private", "hardware": "cpu", "description": "d"}, 201, MODEL, Model),
    ("models.search", lambda c: c.models.search("llama é"), "QUERY", "/models", "llama é".encode(), 200, [MODEL], Model),
    ("models.get", lambda c: c.models.get("a/b"), "GET", "/models/a/b", None, 200, MODEL, Model),
    ("models.update", lambda c: c.models.update("a/b", readme="# Hi"), "PATCH", "/models/a/b", {"readme": "# Hi"}, 200, MODEL, Model),
    ("models.delete", lambda c: c.models.delete("a/b"), "DELETE", "/models/a/b", None, 204, None, None),
    ("models.examples.list", lambda c: c.models.examples.list("a/b"), "GET", "/models/a/b/examples", None, 200, [PREDICTION], Prediction),
    ("models.readme.get", lambda c: c.models.readme.get("a/b"), "GET", "/models/a/b/readme", None, 200, b"# Hi", str),
    ("models.predictions.create", lambda c: c.models.predictions.create("a/b", {"x": 1}), "POST", "/models/a/b/predictions", INPUT, 201, PREDICTION, Prediction),
    ("models.versions.list", lambda c: c.models.versions.list("a/b"), "GET", "/models/a/b/versions", None, 200, [{"id": V}], Version),
    ("models.versions.get", lambda c: c.models.versions.get(f"a/b:{V}"), "GET", f"/models/a/b/versions/{V}", None, 200, {"id": V}, Version),
    ("models.versions.delete", lambda c: c.models.versions.delete(f"a/b:{V}"), "DELETE", f"/models/a/b/versions/{V}", None, 202, None, None),
    ("trainings.create", lambda c: c.trainings.create(f"a/b:{V}", destination="a/c", input={"x": 1}), "POST", f"/models/a/b/versions/{V}/trainings", {"destination": "a/c", **INPUT}, 201, PREDICTION, Training),
    ("trainings.list", lambda c: c.trainings.list(), "GET", "/trainings", None, 200, [PREDICTION], Training),
    ("trainings.get", lambda c: c.trainings.get("t1"), "GET", "/trainings/t1", None, 200, PREDICTION, Training),
    ("trainings.cancel", lambda c: c.trainings.cancel("t1"), "POST", "/trainings/t1/cancel", None, 200, PREDICTION, Training),
    ("predictions.list", lambda c: c.predictions.list(created_after="2026-01-01", source="web"), "GET", "/predictions?created_after=2026-01-01&source=web", None, 200, [PREDICTION], Prediction),
    ("predictions.create", lambda c: c.predictions.create(V, {"x": 1}, webhook="https://me.example/hook", webhook_events_filter=["completed"]), "POST", "/predictions", {"version": V, **INPUT, "webhook": "https://me.example/hook", "webhook_events_filter": ["completed"]}, 201, PREDICTION, Prediction),
    ("predictions.get", lambda c: c.predictions.get("p1"), "GET", "/predictions/p1", None, 200, PREDICTION, Prediction),
    ("predictions.cancel", lambda c: c.predictions.cancel("p1"), "POST", "/predictions/p1/cancel", None, 200, PREDICTION, Prediction),
    ("deployments.list", lambda c: c.deployments.list(), "GET", "/deployments", None, 200, [DEPLOYMENT], Deployment),
    ("deployments.create", lambda c: c.deployments.create(**DEPLOY), "POST", "/deployments", DEPLOY, 200, DEPLOYMENT, Deployment),
    ("deployments.get", lambda c: c.deployments.get("a/d"), "GET", "/deployments/a/d", None, 200, DEPLOYMENT, Deployment),
    ("deployments.update", lambda c: c.deployments.update("a/d", min_instances=2), "PATCH", "/deployments/a/d", {"min_instances": 2}, 200, DEPLOYMENT, Deployment),
    ("deployments.delete", lambda c: c.deployments.delete("a/d"), "DELETE", "/deployments/a/d", None, 204, None, None),
    ("deployments.predictions.create", lambda c: c.deployments.predictions.create("a/d", {"x": 1}), "POST", "/deployments/a/d/predictions", INPUT, 201, PREDICTION, Prediction),
    ("files.list", lambda c: c.files.list(), "GET", "/files", None, 200, [FILE], File),
    ("files.create", lambda c: c.files.create(b"hi"), "POST", "/files", ..., 201, FILE, File),
    ("files.get", lambda c: c.files.get("f1"), "GET", "/files/f1", None, 200, FILE, File),
    ("files.delete", lambda c: c.files.delete("f1"), "DELETE", "/files/f1", None, 204, None, None),
    ("files.download", lambda c: c.files.download("f1", owner="a", expiry=5, signature="s="), "GET", "/files/f1/download?owner=a&expiry=5&signature=s%3D", None, 200, b"\xff", bytes),
    ("hardware.list", lambda c: c.hardware.list(), "GET", "/hardware", None, 200, [{"name": "CPU", "sku": "cpu"}], Hardware),
    ("search", lambda c: c.search("upscaler", limit=3), "GET", "/search?query=upscaler&limit=3", None, 200, {"query": "upscaler", "models": [{"model": MODEL}]}, Found),
    ("webhooks.default.secret.get", lambda c: c.webhooks.default.secret.get(), "GET", "/webhooks/default/secret", None, 200, {"key": "whsec_x"}, object),
]  # fmt: skip


def test_there_are_as_many_operations_as_the_api_has() -> None:
    assert len(OPERATIONS) == len({name for name, *_ in OPERATIONS}) == 37


@pytest.mark.parametrize(
    ("call", "method", "path", "sent", "status", "answered", "kind"),
    [o[1:] for o in OPERATIONS],
    ids=[o[0] for o in OPERATIONS],
)
@responses.activate
def test_each_operation_is_one_request(
    call: Call, method: str, path: str, sent: Any, status: int, answered: Any, kind: Any
) -> None:
    listed = isinstance(answered, list) and path != "/hardware"
    body = {**PAGE, "results": answered} if listed else answered
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    responses.add(method, f"{API}{path}", body=content, status=status)
    given = call(Replicate("r8_x", retries=Retries(attempts=1)))
    if isinstance(given, Iterator):
        assert listed is (len(responses.calls) == 0)
        [given] = given
    assert len(responses.calls) == 1
    request = responses.calls[0].request
    assert (request.method, request.path_url) == (method, f"/v1{path}")  # type: ignore[union-attr]
    assert request.headers["Authorization"] == "Bearer r8_x"
    if isinstance(sent, bytes):
        assert (request.body, request.headers["Content-Type"]) == (sent, "text/plain")
    elif sent is not ...:
        assert (json.loads(request.body) if request.body else None) == sent
    if kind is None:
        assert given is None
    else:
        assert isinstance(given, kind)


@responses.activate
def test_lists_are_lazy_and_end_at_their_limit() -> None:
    first = {"next": f"{API}/models?cursor=2", "previous": None, "results": [MODEL] * 3}
    responses.get(f"{API}/models", json=first)
    responses.get(
        f"{API}/models?cursor=2",
        json={**PAGE, "results": [MODEL] * 2},
        match=[responses.matchers.query_param_matcher({"cursor": "2"})],
    )
    client = Replicate("r8_x")
    assert len(list(client.models.list(limit=2))) == 2
    assert len(responses.calls) == 1
    assert len(list(client.models.list())) == 5
    assert list(client.models.list(limit=0)) == []


@responses.activate
def test_records_keep_what_they_do_not_know_and_do_without_what_is_missing() -> None:
    responses.get(f"{API}/models/a/b", json=MODEL)
    model = Replicate("r8_x").models.get("a/b")
    assert (str(model), model.run_count, model.is_official, model.description) == ("a/b", 5, None, None)
    assert model.raw["brand_new"] is True
    assert model.latest_version is None
    assert len(model.inputs) == 0
    assert Model.of(None) == Model()
    assert "whsec" not in repr(Replicate("r8_x").webhooks)


@responses.activate
def test_a_create_takes_a_time_after_which_the_api_cancels() -> None:
    responses.post(f"{API}/predictions", json=PREDICTION, status=201)
    client = Replicate("r8_x")
    for given, header in [(30, "30s"), ("5m", "5m"), ("1h30m45s", "1h30m45s"), ("45", "45"), (90.0, "90s")]:
        client.predictions.create(V, cancel_after=given)
        assert responses.calls[-1].request.headers["Cancel-After"] == header
    for wrong in (4, 86401, "soon", "", "-5m", True, float("nan")):
        with pytest.raises(InvalidInputError, match="cancel_after"):
            client.predictions.create(V, cancel_after=wrong)


@responses.activate
def test_wait_false_asks_for_an_answer_at_once() -> None:
    responses.post(f"{API}/predictions", json={**PREDICTION, "status": "succeeded", "output": 1}, status=201)
    client = Replicate("r8_x")
    assert client.run(V, wait=False) == 1
    assert "Prefer" not in responses.calls[-1].request.headers
    client.run(V, wait=True)
    assert responses.calls[-1].request.headers["Prefer"] == "wait"


@responses.activate
def test_the_class_names_models_and_a_client_has_those_of_the_api() -> None:
    assert Replicate.default_model in Replicate.models
    responses.get(f"{API}/models/a/b", json=MODEL)
    assert Replicate("r8_x").models.get("a/b").name == "b"
