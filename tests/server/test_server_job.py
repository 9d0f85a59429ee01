"""A job runs a function: its output, logs, failures, cancellation and deadline."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from replicate_sync import server
from replicate_sync.server import LocalServer, timestamps
from replicate_sync.server.job_spec import JobSpec


def test_output_grows_while_a_model_runs(local: LocalServer, call: Any) -> None:
    go = threading.Event()

    @local.model("me/grows")
    def grows() -> Iterator[str]:
        yield "a"
        yield "b"
        go.wait(5)
        yield "c"

    prediction = call.create("me/grows", {})
    body = call.until(prediction, lambda body: body["output"] == ["a", "b"])
    assert body["status"] == "processing"
    go.set()
    assert call.until(prediction, lambda body: body["status"] == "succeeded")["output"] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.slow
def test_many_pieces_take_linear_time(local: LocalServer, call: Any) -> None:
    @local.model("me/many")
    def many(count: int) -> Iterator[str]:
        for _ in range(count):
            server.log("x")
            yield "x"

    def taken(count: int) -> float:
        body = call.run("me/many", {"count": count})
        assert (len(body["output"]), len(body["logs"])) == (count, 2 * count - 1)
        return float(body["metrics"]["predict_time"])

    few = max(taken(2_000), 0.01)
    # Were each piece to copy those before it, this would be a thousand times as long, and not ten.
    assert taken(20_000) < 60 * few


def test_a_canceled_function_is_over_at_once_and_its_result_ignored(
    local: LocalServer, call: Any
) -> None:
    go, gone = threading.Event(), threading.Event()

    @local.model("me/stubborn")
    def stubborn() -> str:
        go.wait(5)
        gone.set()
        return "late"

    prediction = call.create("me/stubborn", {})
    response = call.post(prediction["urls"]["cancel"])
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["output"]) == ("canceled", None)
    assert set(body["metrics"]) == {"predict_time", "total_time"}
    go.set()
    assert body["started_at"] is None or gone.wait(5)
    again = call.post(prediction["urls"]["cancel"]).json()
    assert again == body


def test_a_canceled_generator_stops_at_its_next_piece(local: LocalServer, call: Any) -> None:
    closed = threading.Event()

    @local.model("me/endless")
    def endless() -> Iterator[str]:
        try:
            while True:
                yield "x"
                threading.Event().wait(0.001)
        finally:
            closed.set()

    prediction = call.create("me/endless", {})
    call.until(prediction, lambda body: bool(body["output"]))
    body = call.post(prediction["urls"]["cancel"]).json()
    assert body["status"] == "canceled"
    assert closed.wait(5)
    assert call.get(prediction["urls"]["get"]).json() == body


@pytest.mark.parametrize(("boot", "status"), [(60.0, "aborted"), (0.0, "canceled")])
def test_a_deadline_ends_a_prediction(
    local: LocalServer, call: Any, boot: float, status: str
) -> None:
    @local.model("me/late", boot=boot)
    def late() -> Iterator[str]:
        while True:
            yield ""
            threading.Event().wait(0.01)

    model = local.models.get("me/late")
    assert model is not None
    job = local.jobs.create(JobSpec(model, model.version, {}, local.origin, lifetime=0.1))
    job.start()
    job.wait(5)
    body = call.get(f"/v1/predictions/{job.id}").json()
    assert body["status"] == status
    assert (body["started_at"] is None) == (status == "aborted")
    created_at, deadline = (timestamps.parse(body[key]) for key in ("created_at", "deadline"))
    assert deadline - created_at == timedelta(seconds=0.1)


def test_an_exception_fails_the_prediction(local: LocalServer, call: Any) -> None:
    @local.model("me/fails")
    def fails(kind: str) -> str:
        server.log("about to")
        raise {"a": ValueError("no weights"), "b": KeyError}[kind]

    body = call.run("me/fails", {"kind": "a"})
    assert (body["status"], body["error"], body["output"]) == ("failed", "no weights", None)
    assert body["logs"].startswith("about to\n")
    assert "ValueError: no weights" in body["logs"]
    assert call.run("me/fails", {"kind": "b"})["error"] == "KeyError"


def test_a_function_that_exits_fails_the_prediction_only(local: LocalServer, call: Any) -> None:
    local.model("me/exits")(lambda: sys.exit("enough"))
    body = call.run("me/exits")
    assert (body["status"], body["error"]) == ("failed", "enough")
    assert "/server/job.py" not in body["logs"]


def test_logs_are_those_of_the_prediction_that_runs(local: LocalServer, call: Any) -> None:
    @local.model("me/logs")
    def logs(name: str) -> Iterator[str]:
        server.log(name)
        yield ""
        server.log(f"{name} again")
        server.metric("count", 2)

    for name in ("a", "b"):
        body = call.run("me/logs", {"name": name})
        assert body["logs"] == f"{name}\n{name} again"
        assert body["metrics"]["count"] == 2
    server.log("outside of a prediction this does nothing")


def test_a_job_of_a_stopped_server_is_canceled(local: LocalServer) -> None:
    model = local.models.get("replicate/hello-world")
    assert model is not None
    spec = JobSpec(model, "hidden", {"text": "you"}, local.origin)
    local.jobs.stop()
    job = local.jobs.create(spec)
    called = []
    job.on_cancel(lambda: called.append(job.status))
    assert called == ["canceled"]
    local.jobs.reopen()
    assert local.jobs.create(spec).status == "starting"


def test_a_cancel_calls_back_once(local: LocalServer) -> None:
    model = local.models.get("replicate/hello-world")
    assert model is not None
    job = local.jobs.create(JobSpec(model, "hidden", {"text": "you"}, local.origin, lifetime=60))
    called = []
    job.on_cancel(lambda: called.append(job.status))
    job.start()
    job.wait(5)
    job.cancel()
    assert (job.status, called) == ("succeeded", [])
