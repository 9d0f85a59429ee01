"""Deployments run predictions of their own, and change by releases."""

from __future__ import annotations

import pytest
from wire import CUT, MakeClient, StartWire, response

from replicate_sync import Deployment, NotFoundError, Replicate


def test_a_deployment_runs_predictions(local_client: Replicate) -> None:
    deployments = local_client.deployments
    version = next(local_client.models.versions.list("replicate/hello-world"))
    deployment = deployments.create(
        name="hello",
        model="replicate/hello-world",
        version=str(version.id),
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    assert str(deployment) == "local/hello"
    prediction = deployments.predictions.create(str(deployment), {"text": "Alice"}, wait=True)
    assert prediction.wait().output == "hello Alice"
    changed = deployments.update(str(deployment), max_instances=2)
    assert changed.current_release["number"] == 2
    assert [str(listed) for listed in deployments.list()] == ["local/hello"]
    deployments.delete(str(deployment))
    with pytest.raises(NotFoundError):
        deployments.get(str(deployment))


@pytest.mark.slow
def test_a_lost_prediction_of_a_deployment_is_adopted(
    wire: StartWire, client_of: MakeClient
) -> None:
    ended = {"id": "p1", "status": "succeeded", "input": {"x": 1}}
    others = {**ended, "id": "p0", "deployment": "a/other"}
    lost = {**ended, "id": "p2", "deployment": "a/d"}
    listing = response({"next": None, "results": [others, lost]})
    server = wire(lambda request: [CUT] if request.method == "POST" else [listing])
    create = client_of(server).deployments.predictions.create
    assert create("a/d", {"x": 1}).id == "p2"


def test_a_deployment_is_written_as_its_full_name() -> None:
    assert str(Deployment.from_json({"owner": "a", "name": "d"})) == "a/d"
