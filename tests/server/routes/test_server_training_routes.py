"""Trainings: they run, are shown in two places, and end with a new version."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from replicate_sync import server
from replicate_sync.server import LocalServer
from replicate_sync.server.standins import sample_models

NEW = {"owner": "local", "name": "mine", "visibility": "private", "hardware": "cpu"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_models, "STEP_SECONDS", 0.001)


def path(call: Any, name: str = "local/trainer") -> str:
    version = call.get(f"/v1/models/{name}").json()["latest_version"]["id"]
    return f"/v1/models/{name}/versions/{version}/trainings"


def train(call: Any, name: str = "local/trainer", **input: Any) -> dict[str, Any]:
    if call.get("/v1/models/local/mine").status_code == 404:
        call.post("/v1/models", NEW)
    response = call.post(path(call, name), {"destination": "local/mine", "input": input})
    assert response.status_code == 201, response.text
    return response.json()


def done(call: Any, training: dict[str, Any]) -> dict[str, Any]:
    call.until(training, lambda body: body["status"] not in ("starting", "processing"))
    return call.get(f"/v1/trainings/{training['id']}").json()


@pytest.mark.slow
def test_a_training_adds_a_version_to_its_destination(local: LocalServer, call: Any) -> None:
    body = done(call, train(call, steps=20))
    assert (body["status"], body["model"], body["error"]) == ("succeeded", "local/trainer", None)
    found = re.fullmatch(r"local/mine:([0-9a-f]{64})", body["output"]["version"])
    assert found
    assert call.get("/v1/models/local/mine").json()["latest_version"]["id"] == found[1]
    assert call.get(f"/v1/models/local/mine/versions/{found[1]}").json()["openapi_schema"][
        "components"
    ]
    assert call.run(body["output"]["version"], {"prompt": "hills"})["model"] == "local/mine"
    weights = requests.get(body["output"]["weights"], timeout=5).content
    assert zipfile.ZipFile(io.BytesIO(weights)).namelist() == ["training.json"]
    assert body["metrics"]["training_step_count"] == 20


@pytest.mark.slow
def test_the_logs_are_a_progress_bar(local: LocalServer, call: Any) -> None:
    logs = done(call, train(call, steps=4))["logs"]
    assert re.findall(r"\r\s*(\d+)%\s*\|.+?\|\s*(\d+)/(\d+)", logs) == [
        ("25", "1", "4"),
        ("50", "2", "4"),
        ("75", "3", "4"),
        ("100", "4", "4"),
    ]
    assert logs.count("\n") == 1


def test_a_training_is_created_under_predictions_and_shown_under_trainings(
    local: LocalServer, call: Any
) -> None:
    made = train(call, steps=1)
    assert made["urls"]["get"] == f"{local.url}/predictions/{made['id']}"
    assert (made["status"], made["input"], made["output"]) == ("starting", {"steps": 1}, None)
    body = done(call, made)
    assert body["urls"]["get"] == f"{local.url}/trainings/{made['id']}"
    assert call.get(made["urls"]["get"]).json() == body
    listed = call.get("/v1/trainings").json()
    assert (listed["next"], listed["results"]) == (None, [body])
    assert call.get("/v1/predictions").json()["results"] == []
    prediction = call.run("replicate/hello-world", {"text": "you"})
    assert call.get(f"/v1/trainings/{prediction['id']}").status_code == 404
    assert call.post(f"/v1/trainings/{prediction['id']}/cancel").status_code == 404


@pytest.mark.slow
def test_a_running_training_is_shown_as_the_database_writes_it(
    local: LocalServer, call: Any
) -> None:
    shown = call.get(f"/v1/trainings/{train(call, steps=10_000)['id']}").json()
    assert (shown["completed_at"], shown["output"], shown["metrics"]) == (None, None, {})
    assert call.post(f"/v1/trainings/{shown['id']}/cancel").json()["status"] == "canceled"


def test_a_canceled_training_adds_nothing(local: LocalServer, call: Any) -> None:
    go, left = threading.Event(), threading.Event()
    local.model("me/x")(lambda: None)

    @local.trainer("me/x")
    def slowly() -> None:
        go.wait(5)
        left.set()

    made = train(call, "me/x")
    call.until(made, lambda body: body["status"] == "processing")
    canceled = call.post(made["urls"]["cancel"])
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    go.set()
    assert left.wait(5)
    assert call.get("/v1/models/local/mine").json()["latest_version"] is None


def test_a_destination_must_exist(local: LocalServer, call: Any) -> None:
    response = call.post(path(call), {"destination": "local/nothing", "input": {}})
    assert response.status_code == 404
    assert response.json() == {
        "detail": "The specified training destination does not exist",
        "status": 404,
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": {}},
        {"destination": "local/mine"},
        {"destination": 1, "input": {}},
        {"destination": "local/mine", "input": {"steps": "many"}},
        {"destination": "local/mine", "input": {"prompt": ""}},
        {"destination": "local/mine", "input": {}, "webhook": "nowhere"},
    ],
)
def test_an_invalid_training_is_refused(
    local: LocalServer, call: Any, body: dict[str, Any]
) -> None:
    call.post("/v1/models", NEW)
    assert call.post(path(call), body).status_code == 422
    assert call.get("/v1/trainings").json()["results"] == []


def test_only_a_model_with_a_trainer_is_trained(local: LocalServer, call: Any) -> None:
    call.post("/v1/models", NEW)
    body = {"destination": "local/mine", "input": {}}
    assert call.post(path(call, "replicate/hello-world"), body).status_code == 422
    assert call.post("/v1/models/local/trainer/versions/0/trainings", body).status_code == 404
    with pytest.raises(ValueError, match="register it first"):
        local.trainer("me/nobody")


def test_a_function_trains_a_model_of_this_server(local: LocalServer, call: Any) -> None:
    local.model("me/x")(lambda word: f"<{word}>")

    @local.trainer("me/x")
    def learn(images: Path, rate: float = 0.5) -> dict[str, Any]:
        server.log(f"at {rate}")
        return {"weights": io.BytesIO(images.read_bytes()), "loss": 0.25}

    document = call.get("/v1/models/me/x").json()["latest_version"]["openapi_schema"]
    schema = document["components"]["schemas"]["TrainingInput"]
    assert (schema["title"], list(schema["properties"]), schema["required"]) == (
        "TrainingInput",
        ["images", "rate"],
        ["images"],
    )
    body = done(call, train(call, "me/x", images="data:,abc"))
    assert (body["logs"], body["output"]["loss"]) == ("at 0.5", 0.25)
    assert requests.get(body["output"]["weights"], timeout=5).content == b"abc"
    assert call.run(body["output"]["version"], {"word": "hi"})["output"] == "<hi>"
    with LocalServer() as other:
        assert other.models.get("me/x") is None


@pytest.mark.slow
def test_a_trained_version_of_a_private_model_can_be_deleted(local: LocalServer, call: Any) -> None:
    name, _, version = done(call, train(call, steps=1))["output"]["version"].partition(":")
    run = call.run(version, {"prompt": "hills"})
    deployment = {
        "name": "d",
        "model": name,
        "version": version,
        "hardware": "cpu",
        "min_instances": 0,
        "max_instances": 1,
    }
    call.post("/v1/deployments", deployment)
    gone = f"/v1/models/{name}/versions/{version}"
    assert call.send("DELETE", f"/v1/models/{name}").status_code == 403
    assert call.send("DELETE", gone).status_code == 403
    call.send("DELETE", "/v1/deployments/local/d")
    deleted = call.send("DELETE", gone)
    assert (deleted.status_code, deleted.content) == (202, b"")
    assert call.get(gone).status_code == 404
    assert call.get(run["urls"]["get"]).status_code == 404
    assert call.get(run["output"][0]).status_code == 404
    assert call.send("DELETE", f"/v1/models/{name}").status_code == 204
