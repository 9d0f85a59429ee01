"""Looking at predictions, listing them, and canceling them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from replicate_sync import server
from replicate_sync.server import LocalServer, timestamps
from replicate_sync.server.job_spec import JobSpec

NOT_FOUND = b'{"detail":"The requested resource could not be found.","status":404}\n'


def waiting(local: LocalServer) -> str:
    """Create a prediction that never starts, and return its id."""
    model = local.models.get("replicate/hello-world")
    assert model is not None
    return local.jobs.create(JobSpec(model, "hidden", {"text": "you"}, local.origin)).id


def test_a_finished_prediction_is_shown_as_the_database_does(local: LocalServer, call: Any) -> None:
    body = call.run("replicate/hello-world", {"text": "you"})
    assert list(body) == [
        "completed_at", "created_at", "data_removed", "error", "id", "input", "logs", "metrics", "output",
        "source", "started_at", "status", "urls", "model", "version", "webhook_completed",
    ]  # fmt: skip
    assert len(body["completed_at"]) == len("2024-04-22T11:15:15.504128Z")
    assert body["metrics"]["total_time"] >= body["metrics"]["predict_time"] >= 0


def test_logs_lose_their_last_newline_when_it_is_over(local: LocalServer, call: Any) -> None:
    body = call.run("local/always-fails", {"prompt": "x"})
    assert body["logs"].startswith("local/always-fails was given 'x'")
    assert body["logs"].endswith("what a failed prediction looks like.")
    assert body["status"] == "failed"
    assert (
        body["error"] == "This model fails on purpose, to show what a failed prediction looks like."
    )


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


def test_many_pieces_take_time_in_proportion(local: LocalServer, call: Any) -> None:
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


def test_a_canceled_function_is_over_at_once_and_unheard(local: LocalServer, call: Any) -> None:
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


def test_a_slow_model_shows_progress_and_stops(local: LocalServer, call: Any) -> None:
    prediction = call.create("local/slow", {"seconds": 1})
    call.until(prediction, lambda body: "%|" in (body["logs"] or ""))
    call.post(prediction["urls"]["cancel"])
    name = f"prediction-{prediction['id']}"
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(5)
        assert not thread.is_alive()
    assert call.run("local/slow", {"seconds": 0})["output"] == "worked for 0 seconds"


def test_canceling_what_is_over_changes_nothing(local: LocalServer, call: Any) -> None:
    body = call.run("replicate/hello-world", {"text": "you"})
    assert call.post(body["urls"]["cancel"]).json() == body


@pytest.mark.parametrize(("boot", "status"), [(60.0, "aborted"), (0.0, "canceled")])
def test_a_deadline_ends_what_is_not_over(
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


@pytest.mark.parametrize(
    "path", ["/v1/predictions/x", "/v1/nothing", "/v1/models/a/b", "/nothing", "/outputs/a/b.png"]
)
def test_what_is_not_there_is_told_as_a_problem(local: LocalServer, call: Any, path: str) -> None:
    response = call.get(path)
    assert (response.status_code, response.content) == (404, NOT_FOUND)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert call.post("/v1/predictions/x/cancel").status_code == 404


def test_the_list_comes_in_pages_of_a_hundred(local: LocalServer, call: Any) -> None:
    made = [waiting(local) for _ in range(205)]
    shown, url, pages = [], "/v1/predictions", []
    while url:
        page = call.get(url).json()
        assert list(page) == ["next", "previous", "results"]
        pages.append(page)
        shown += [one["id"] for one in page["results"]]
        url = page["next"]
        assert not url or url.startswith(f"{local.url}/predictions?cursor=")
    assert shown == made[::-1]
    assert [len(page["results"]) for page in pages] == [100, 100, 5]
    assert [page["previous"] is None for page in pages] == [True, False, False]
    back = call.get(pages[2]["previous"]).json()
    assert [one["id"] for one in back["results"]] == [one["id"] for one in pages[1]["results"]]


def test_the_list_can_begin_and_end_at_a_moment(local: LocalServer, call: Any) -> None:
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


def test_a_next_page_keeps_the_rest_of_the_query_and_the_host(
    local: LocalServer, call: Any
) -> None:
    for _ in range(101):
        waiting(local)
    there = local.origin.replace("127.0.0.1", "localhost")
    page = call.get(f"{there}/v1/predictions", params={"created_after": "2001-01-01"}).json()
    assert page["next"].startswith(there)
    assert "created_after=2001-01-01" in urlsplit(page["next"]).query


@pytest.mark.parametrize("cursor", ["x", "cD1ub3RoaW5n", "é"])
def test_an_invalid_cursor_is_not_found(local: LocalServer, call: Any, cursor: str) -> None:
    response = call.get("/v1/predictions", params={"cursor": cursor})
    assert (response.status_code, response.json()) == (404, {"detail": "Invalid cursor"})
