"""Predictions are shown, listed and canceled."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.server import LocalServer

NOT_FOUND = b'{"detail":"The requested resource could not be found.","status":404}\n'


def test_a_finished_prediction_is_shown_as_the_database_writes_it(
    local: LocalServer, call: Any
) -> None:
    body = call.run("replicate/hello-world", {"text": "you"})
    assert list(body) == [
        "completed_at",
        "created_at",
        "data_removed",
        "error",
        "id",
        "input",
        "logs",
        "metrics",
        "output",
        "source",
        "started_at",
        "status",
        "urls",
        "model",
        "version",
        "webhook_completed",
    ]
    assert len(body["completed_at"]) == len("2024-04-22T11:15:15.504128Z")
    assert body["metrics"]["total_time"] >= body["metrics"]["predict_time"] >= 0


def test_the_logs_of_a_finished_prediction_end_without_a_newline(
    local: LocalServer, call: Any
) -> None:
    body = call.run("local/always-fails", {"prompt": "x"})
    assert body["logs"].startswith("local/always-fails was given 'x'")
    assert body["logs"].endswith("what a failed prediction looks like.")
    assert body["status"] == "failed"
    assert (
        body["error"] == "This model fails on purpose, to show what a failed prediction looks like."
    )


def test_canceling_a_finished_prediction_changes_nothing(local: LocalServer, call: Any) -> None:
    body = call.run("replicate/hello-world", {"text": "you"})
    assert call.post(body["urls"]["cancel"]).json() == body


@pytest.mark.parametrize(
    "path", ["/v1/predictions/x", "/v1/nothing", "/v1/models/a/b", "/nothing", "/outputs/a/b.png"]
)
def test_an_unknown_path_or_id_is_a_problem_response(
    local: LocalServer, call: Any, path: str
) -> None:
    response = call.get(path)
    assert (response.status_code, response.content) == (404, NOT_FOUND)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert call.post("/v1/predictions/x/cancel").status_code == 404


def test_the_list_can_be_filtered_by_time(local: LocalServer, call: Any) -> None:
    made = [call.create("replicate/hello-world", {"text": "you"}) for _ in range(4)]
    query = {"created_after": made[1]["created_at"], "created_before": made[3]["created_at"]}
    found = call.get("/v1/predictions", params=query).json()["results"]
    assert [one["id"] for one in found] == [made[2]["id"], made[1]["id"]]
    assert (
        call.get("/v1/predictions", params={"created_after": "2999-01-01"}).json()["results"] == []
    )
    assert call.get("/v1/predictions", params={"created_after": "yesterday"}).status_code == 400
    assert call.get("/v1/predictions", params={"source": "web"}).json()["results"] == []
    assert (
        call.get("/v1/predictions", params={"source": "api"}).status_code == 422
    )  # there is no such filter


@pytest.mark.slow
def test_a_prediction_has_a_page_for_people(local: LocalServer, call: Any) -> None:
    body = call.run("replicate/hello-world", {"text": "<b>"})
    page = call.get(body["urls"]["web"])
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "succeeded" in page.text
    assert "hello &lt;b&gt;" in page.text
