"""Every operation of the HTTP API: method, path, query and body, and what it returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from replicate_sync import (
    Account,
    Collection,
    Deployment,
    File,
    Hardware,
    InvalidInputError,
    Model,
    ModelNotFoundError,
    Prediction,
    Replicate,
    ResponseError,
    Retries,
    Training,
    Version,
)
from replicate_sync.resources.search import SearchResults
from replicate_sync.resources.webhooks import Secret

API = "https://api.replicate.com/v1"
V = "ab" * 32
PREDICTION = {"id": "p1", "status": "starting", "model": "a/b", "input": {}}
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
FILE = {
    "id": "f1",
    "name": "x.txt",
    "content_type": "text/plain",
    "size": 2,
    "urls": {"get": f"{API}/files/f1"},
}
INPUT = {"input": {"x": 1}}

Call = Callable[[Replicate], Any]

# Operation, call, method, path with query, body, status and body of the response, returned type.
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
    ("trainings.get", lambda c: c.trainings.get("p1"), "GET", "/trainings/p1", None, 200, PREDICTION, Training),
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
    ("search", lambda c: c.search("upscaler", limit=3), "GET", "/search?query=upscaler&limit=3", None, 200, {"query": "upscaler", "models": [{"model": MODEL}]}, SearchResults),
    ("webhooks.default.secret.get", lambda c: c.webhooks.default.secret.get(), "GET", "/webhooks/default/secret", None, 200, {"key": "whsec_x"}, Secret),
]  # fmt: skip


# Each id or name in a path, as a function of one that would lead to another operation.
BY_ID: list[Callable[[Replicate, str], Any]] = [
    lambda c, x: c.predictions.get(x),
    lambda c, x: c.predictions.cancel(x),
    lambda c, x: c.trainings.get(x),
    lambda c, x: c.trainings.cancel(x),
    lambda c, x: c.files.get(x),
    lambda c, x: c.files.delete(x),
    lambda c, x: c.files.download(x, owner="a", expiry=5, signature="s"),
    lambda c, x: c.collections.get(x),
    lambda c, x: c.models.versions.get(f"a/b:{x}"),
    lambda c, x: c.models.versions.delete(f"a/b:{x}"),
    lambda c, x: c.models.versions.list(f"a/{x}"),
    lambda c, x: c.models.get(f"a/{x}"),
    lambda c, x: c.models.delete(f"{x}/b"),
    lambda c, x: c.models.update(f"a/{x}"),
    lambda c, x: c.models.readme.get(f"a/{x}"),
    lambda c, x: c.models.examples.list(f"a/{x}"),
    lambda c, x: c.models.predictions.create(f"a/{x}"),
    lambda c, x: c.predictions.create(f"a/{x}"),
    lambda c, x: c.trainings.create(f"a/b:{x}", destination="a/c", input={}),
    lambda c, x: c.deployments.get(f"a/{x}"),
    lambda c, x: c.deployments.update(f"a/{x}"),
    lambda c, x: c.deployments.delete(f"a/{x}"),
    lambda c, x: c.deployments.predictions.create(f"a/{x}"),
    lambda c, x: Model.from_json({"owner": "a", "name": x}, c.models).delete(),
    lambda c, x: Model.from_json({"owner": "a", "name": "b"}, c.models).versions.delete(x),
]


@pytest.mark.parametrize("stray", ["..", ".", "../x", "x/..", "x/y/z", "x?y", "x#y", "%2e%2e", ""])
@responses.activate
def test_no_id_or_name_becomes_another_operation(stray: str) -> None:
    client = Replicate("r8_x")
    for call in BY_ID:
        with pytest.raises((InvalidInputError, ModelNotFoundError)):
            call(client, stray)
    assert len(responses.calls) == 0


@pytest.mark.parametrize("stray", [None, 5, b"v1"])
@responses.activate
def test_the_id_of_a_version_is_a_string(stray: Any) -> None:
    versions = Model.from_json({"owner": "a", "name": "b"}, Replicate("r8_x").models).versions
    for call in (versions.get, versions.delete):
        with pytest.raises(InvalidInputError, match="An id is a string"):
            call(stray)
    assert len(responses.calls) == 0


@responses.activate
def test_no_id_that_the_api_sends_becomes_another_operation() -> None:
    responses.get(f"{API}/predictions/p1", json={**PREDICTION, "id": "../models/a/b"})
    with pytest.raises(ResponseError, match="not a prediction with an id"):
        Replicate("r8_x").predictions.get("p1").cancel()
    assert len(responses.calls) == 1


def test_there_are_as_many_operations_as_the_api_has() -> None:
    assert len(OPERATIONS) == len({name for name, *_ in OPERATIONS}) == 37


@pytest.mark.parametrize(
    ("call", "method", "path", "sent_body", "status", "body", "kind"),
    [operation[1:] for operation in OPERATIONS],
    ids=[operation[0] for operation in OPERATIONS],
)
@responses.activate
def test_each_operation_is_one_request(
    call: Call, method: str, path: str, sent_body: Any, status: int, body: Any, kind: Any
) -> None:
    is_paginated = isinstance(body, list) and path != "/hardware"
    if is_paginated:
        body = {"next": None, "previous": None, "results": body}
    content = body
    if not isinstance(body, bytes):
        content = b"" if body is None else json.dumps(body).encode()
    responses.add(method, f"{API}{path}", body=content, status=status)
    returned = call(Replicate("r8_x", retries=Retries(attempts=1)))
    if isinstance(returned, Iterator):
        assert is_paginated is (len(responses.calls) == 0)
        [returned] = returned
    assert len(responses.calls) == 1
    request = responses.calls[0].request
    assert (request.method, request.path_url) == (method, f"/v1{path}")  # type: ignore[union-attr]
    assert request.headers["Authorization"] == "Bearer r8_x"
    if isinstance(sent_body, bytes):
        assert (request.body, request.headers["Content-Type"]) == (sent_body, "text/plain")
    elif sent_body is not ...:
        assert (json.loads(request.body) if request.body else None) == sent_body
    if kind is None:
        assert returned is None
    else:
        assert isinstance(returned, kind)
