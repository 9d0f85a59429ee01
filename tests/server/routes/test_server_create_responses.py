"""The responses to create requests, with and without a wait."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from replicate_sync.server import LocalServer, timestamps

HELLO = "replicate/hello-world"


def test_the_response_is_the_edges_to_the_byte(local: LocalServer, call: Any) -> None:
    response = call.post("/v1/predictions", {"version": HELLO, "input": {"text": "<b> & é"}})
    assert response.status_code == 201
    made = response.json()
    assert re.fullmatch("[0-9a-z]{26}", made["id"])
    get = f"{local.url}/predictions/{made['id']}"
    assert (
        response.content
        == (
            f'{{"id":"{made["id"]}","model":"{HELLO}","version":"hidden",'
            '"input":{"text":"\\u003cb\\u003e \\u0026 é"},'
            '"logs":"","output":null,"data_removed":false,"error":null,"source":"api","status":"starting",'
            f'"created_at":"{made["created_at"]}","urls":{{"cancel":"{get}/cancel","get":"{get}",'
            f'"web":"{local.origin}/p/{made["id"]}"}}}}\n'
        ).encode()
    )
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,5}[1-9])?Z|.*\.[1-9]Z", made["created_at"]
    )


def test_inputs_come_back_in_the_order_of_their_names(local: LocalServer, call: Any) -> None:
    made = call.post(
        "/v1/predictions",
        {"version": "google-deepmind/gemma-2b-it", "input": {"top_k": 3, "prompt": "a", "seed": 1}},
    )
    assert '"input":{"prompt":"a","seed":1,"top_k":3}' in made.text


def test_a_wait_returns_the_finished_prediction(local: LocalServer, call: Any) -> None:
    response = call.post(
        "/v1/predictions", {"version": HELLO, "input": {"text": "you"}}, Prefer="wait=5"
    )
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "wait=5"
    body = response.json()
    assert (body["status"], body["output"]) == ("succeeded", "hello you")
    assert body["metrics"]["predict_time"] >= 0
    assert body["completed_at"]


@pytest.mark.slow
def test_a_wait_can_return_processing_with_all_of_the_output(
    caller_of: Callable[[LocalServer], Any],
) -> None:
    with LocalServer(sync_status="processing") as server:
        call = caller_of(server)
        body = call.create(HELLO, {"text": "you"}, Prefer="wait")
        assert (body["status"], body["output"], body["logs"]) == ("processing", "hello you", "")
        assert not {"completed_at", "metrics", "started_at"} & set(body)
        assert call.get(body["urls"]["get"]).json()["status"] == "succeeded"
        assert call.create("local/always-fails", {}, Prefer="wait")["status"] == "failed"
        call.session.close()


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [("wait", "wait"), ("wait=61", "wait=60"), ("respond-async, wait=3", "wait=3")],
)
def test_a_preference_is_echoed(local: LocalServer, call: Any, prefer: str, applied: str) -> None:
    response = call.post(
        "/v1/predictions", {"version": HELLO, "input": {"text": "you"}}, Prefer=prefer
    )
    assert response.headers["Preference-Applied"] == applied


@pytest.mark.parametrize("prefer", ["wait=0", "waiting", "respond-async", "wait=x"])
def test_other_preferences_are_ignored(local: LocalServer, call: Any, prefer: str) -> None:
    response = call.post(
        "/v1/predictions", {"version": HELLO, "input": {"text": "you"}}, Prefer=prefer
    )
    assert "Preference-Applied" not in response.headers
    assert response.json()["status"] == "starting"


@pytest.mark.slow
def test_a_prediction_that_outlasts_the_wait_is_shown_as_starting(
    local: LocalServer, call: Any
) -> None:
    @local.model("me/endless")
    def endless() -> Iterator[str]:
        while True:
            yield "more"
            time.sleep(0.01)

    body = call.create("me/endless", {}, Prefer="wait=1")
    assert (body["status"], body["output"], body["logs"]) == ("starting", None, "")
    assert "started_at" not in body
    body = call.get(body["urls"]["get"]).json()
    assert (body["status"], body["output"][0]) == ("processing", "more")


def test_a_deadline_is_shown(local: LocalServer, call: Any) -> None:
    body = call.create("local/slow", {"seconds": 60}, Cancel_After="1h30m5s")
    created, deadline = (timestamps.parse(body[key]) for key in ("created_at", "deadline"))
    assert deadline - created == timedelta(seconds=5405)
    for wrong in ("4", "4s", "25h", "soon", "", "-5"):
        made = call.post(
            "/v1/predictions", {"version": HELLO, "input": {"text": "you"}}, Cancel_After=wrong
        )
        assert made.status_code == 422, wrong


def test_a_webhook_is_shown(local: LocalServer, call: Any) -> None:
    more = {
        "webhook": "http://127.0.0.1:9/hook?a=b",
        "webhook_events_filter": ["completed"],
        "stream": True,
    }
    body = call.post("/v1/predictions", {"version": HELLO, "input": {"text": "you"}, **more}).json()
    assert body["webhook"] == "http://127.0.0.1:9/hook?a=b"
    assert body["webhook_events_filter"] == ["completed"]


def test_small_files_are_inlined_after_a_wait(caller_of: Callable[[LocalServer], Any]) -> None:
    with LocalServer() as server:
        server.model("me/small")(
            lambda: [io.BytesIO(b"\x89PNG small"), "text", {"a": io.BytesIO(b"b")}]
        )
        server.model("me/big")(lambda: io.BytesIO(bytes(256 * 2**10 + 1)))
        call = caller_of(server)
        made = call.create("me/small", {}, Prefer="wait")
        assert made["output"] == [
            "data:image/png;base64,iVBORyBzbWFsbA==",
            "text",
            {"a": "data:application/octet-stream;base64,Yg=="},
        ]
        assert (
            call.get(made["urls"]["get"]).json()["output"][0]
            == f"{server.origin}/outputs/{made['id']}/out-0.png"
        )
        assert call.create("me/big", {}, Prefer="wait")["output"].startswith("http")
        server.inline_files = False
        assert call.create("me/small", {}, Prefer="wait")["output"][0].startswith("http")
        call.session.close()
