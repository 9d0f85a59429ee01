"""Trainings are created once, as predictions are, and make a version that runs."""

from __future__ import annotations

import pytest
from wire import CUT, MakeClient, StartWire, response

from replicate_sync import Replicate, Training

VERSION = "ab" * 32


@pytest.mark.slow
def test_a_training_whose_response_was_lost_is_adopted(
    wire: StartWire, client_of: MakeClient
) -> None:
    other_version = {"id": "t6", "status": "starting", "version": "v", "input": {"steps": 5}}
    lost = {"id": "t7", "status": "starting", "version": VERSION, "input": {"steps": 5}}
    listing = response({"next": None, "results": [other_version, lost]})
    server = wire(lambda request: [CUT] if request.method == "POST" else [listing])
    create = client_of(server).trainings.create
    assert create(f"a/b:{VERSION}", destination="me/model", input={"steps": 5}).id == "t7"
    first, *others = [(request.method, request.path) for request in server.requests]
    assert first == ("POST", f"/v1/models/a/b/versions/{VERSION}/trainings")
    assert set(others) == {("GET", "/v1/trainings")}


def test_a_training_is_sent_with_its_webhook(wire: StartWire, client_of: MakeClient) -> None:
    training = response({"id": "t1", "status": "starting"}, 201)
    server = wire(lambda request: [training])
    client_of(server).trainings.create(
        f"a/b:{VERSION}",
        destination="me/model",
        webhook="https://me.example/hook",
        webhook_events_filter="completed",
    )
    assert server.requests[0].json == {
        "destination": "me/model",
        "input": {},
        "webhook": "https://me.example/hook",
        "webhook_events_filter": ["completed"],
    }


@pytest.mark.slow
def test_a_training_makes_a_version_that_runs(local_client: Replicate) -> None:
    client = local_client
    client.models.create("local/mine", visibility="private", hardware="cpu")
    version = next(client.models.versions.list("local/trainer"))
    training = client.trainings.create(
        f"local/trainer:{version.id}", destination="local/mine", input={"steps": 5}
    )
    logs = "".join(training.stream())
    assert isinstance(training, Training)
    assert "5/5" in logs
    assert training.output["version"].startswith("local/mine:")
    assert client.models.get("local/mine").latest_version is not None
    assert training.id in [one.id for one in client.trainings.list()]
    assert client.trainings.get(training.id).status == "succeeded"
    assert client.trainings.cancel(training.id).status == "succeeded"
