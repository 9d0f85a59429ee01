"""Trainings are waited for, streamed and canceled as predictions are, at addresses of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, response

from replicate_sync import PredictionFailed, Training

VERSION = "ab" * 32


def training_api(*states: dict[str, Any]) -> Callable[[Request], list[bytes]]:
    """Return what responds as an API whose training is in the next of these states at each poll."""
    remaining = list(states)

    def reply(request: Request) -> list[bytes]:
        state = {"status": "starting"}
        if request.method != "POST":
            state = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        urls = {
            "get": f"http://{request.headers['host']}/v1/predictions/t1",
            "stream": f"http://{request.headers['host']}/s",
        }
        return [response({"id": "t1", "version": VERSION, "input": {}, "urls": urls, **state}, 201)]

    return reply


def create(client: Any) -> Training:
    training: Training = client.trainings.create(f"a/b:{VERSION}", destination="me/model")
    return training


def test_a_training_is_polled_at_its_own_address(wire: StartWire, client_of: MakeClient) -> None:
    output = {"version": "me/model:1", "weights": "https://replicate.delivery/w"}
    states = {"status": "processing"}, {"status": "succeeded", "output": output}
    server = wire(training_api(*states))
    training = create(client_of(server))
    assert training.wait() is training
    assert training.output["version"] == "me/model:1"
    assert [request.path for request in server.requests] == [
        f"/v1/models/a/b/versions/{VERSION}/trainings",
        "/v1/trainings/t1",
        "/v1/trainings/t1",
    ]
    assert repr(training) == "<Training t1: succeeded>"


def test_the_stream_of_a_training_is_what_is_new_in_its_logs(
    wire: StartWire, client_of: MakeClient
) -> None:
    logs = ["", "one\n", "one\n", "one\ntwo\n"]
    states = [{"status": "processing", "logs": text} for text in logs]
    server = wire(training_api(*states, {"status": "succeeded", "logs": "one\ntwo\nthree\n"}))
    assert list(create(client_of(server)).stream()) == ["one\n", "two\n", "three\n"]


def test_the_error_of_a_training_calls_it_one(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(training_api({"status": "failed", "error": "out of memory"}))
    with pytest.raises(PredictionFailed, match="Training t1 failed: out of memory"):
        create(client_of(server)).wait()


def test_leaving_a_training_cancels_it_at_its_own_address(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(training_api({"status": "processing", "logs": "one\n"}))
    for _ in create(client_of(server)).stream():
        break
    assert server.requests[-1].method == "POST"
    assert server.requests[-1].path == "/v1/trainings/t1/cancel"
