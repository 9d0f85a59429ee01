"""Deployments: created, released, run and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.server import LocalServer

PATH = "/v1/deployments/local/mine"


def settings(call: Any, **more: Any) -> dict[str, Any]:
    version = call.get("/v1/models/replicate/hello-world").json()["latest_version"]["id"]
    body = {"name": "mine", "model": "replicate/hello-world", "version": version, "hardware": "cpu"}
    return {**body, "min_instances": 0, "max_instances": 1, **more}


def test_a_deployment_is_created_in_its_first_release(local: LocalServer, call: Any) -> None:
    given = settings(call)
    response = call.post("/v1/deployments", given)
    body = response.json()
    assert response.status_code == 200
    assert (body["owner"], body["name"]) == ("local", "mine")
    release = body["current_release"]
    assert (release["number"], release["model"], release["version"]) == (
        1,
        given["model"],
        given["version"],
    )
    assert (release["created_by"]["type"], release["created_by"]["username"]) == ("user", "local")
    assert release["configuration"] == {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
    assert call.get(PATH).json() == body
    assert call.get("/v1/deployments").json() == {"next": None, "previous": None, "results": [body]}
    assert call.post("/v1/deployments", given).status_code == 409


def test_an_update_is_a_new_release(local: LocalServer, call: Any) -> None:
    made = call.post("/v1/deployments", settings(call)).json()
    changed = call.send("PATCH", PATH, json={"max_instances": 3, "hardware": "gpu-t4"})
    assert changed.status_code == 200
    release = changed.json()["current_release"]
    assert release["number"] == 2
    assert release["configuration"] == {
        "hardware": "gpu-t4",
        "min_instances": 0,
        "max_instances": 3,
    }
    assert release["created_at"] > made["current_release"]["created_at"]
    for wrong in (
        {"min_instances": 4},
        {"min_instances": 6},
        {"version": "0" * 64},
        {"hardware": "abacus"},
    ):
        assert call.send("PATCH", PATH, json=wrong).status_code == 422
    assert call.get(PATH).json() == changed.json()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a b"},
        {"name": 1},
        {"model": "me/nobody"},
        {"version": "0" * 64},
        {"hardware": "abacus"},
        {"max_instances": 21},
        {"min_instances": 3},
        {"min_instances": -1},
    ],
)
def test_an_invalid_deployment_is_refused(
    local: LocalServer, call: Any, change: dict[str, Any]
) -> None:
    assert call.post("/v1/deployments", settings(call, **change)).status_code == 422
    assert call.post("/v1/deployments", {"name": "mine"}).json()["detail"].count("is required") == 5


def test_a_prediction_of_a_deployment_names_it(local: LocalServer, call: Any) -> None:
    given = settings(call)
    call.post("/v1/deployments", given)
    response = call.post(f"{PATH}/predictions", {"input": {"text": "you"}}, Prefer="wait")
    body = response.json()
    assert (response.status_code, body["output"], body["deployment"]) == (
        201,
        "hello you",
        "local/mine",
    )
    assert (body["model"], body["version"]) == (given["model"], given["version"])
    assert call.get(body["urls"]["get"]).json()["deployment"] == "local/mine"
    assert call.post(f"{PATH}/predictions", {"input": {}}).status_code == 422
    assert call.post(f"{PATH}/predictions", {"input": {}, "version": "x"}).status_code == 422


def test_a_deleted_deployment_is_gone(local: LocalServer, call: Any) -> None:
    call.post("/v1/deployments", settings(call))
    deleted = call.send("DELETE", PATH)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for path in (PATH, "/v1/deployments/other/mine"):
        assert call.get(path).status_code == 404
    assert call.send("DELETE", PATH).status_code == 404
    assert call.send("PATCH", PATH, json={}).status_code == 404
    assert call.post(f"{PATH}/predictions", {"input": {"text": ""}}).status_code == 404
