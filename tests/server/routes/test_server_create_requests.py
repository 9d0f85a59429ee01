"""Creating a prediction: the body that comes back, and everything that is refused."""

from __future__ import annotations

import io
import json
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer, timestamps

HELLO = "replicate/hello-world"


def test_the_answer_is_the_edges_to_the_byte(local: LocalServer, call: Any) -> None:
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


def test_the_headers_are_the_edges(local: LocalServer, call: Any) -> None:
    made = call.post("/v1/predictions", {"version": HELLO, "input": {"text": "you"}})
    assert made.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (made.headers["ratelimit-remaining"], made.headers["ratelimit-reset"]) == ("599", "1")
    assert call.get(made.json()["urls"]["get"]).headers["ratelimit-remaining"] == "59999"
    assert call.get("/v1/account").headers["ratelimit-remaining"] == "2999"


def test_inputs_come_back_in_the_order_of_their_names(local: LocalServer, call: Any) -> None:
    made = call.post(
        "/v1/predictions",
        {"version": "google-deepmind/gemma-2b-it", "input": {"top_k": 3, "prompt": "a", "seed": 1}},
    )
    assert '"input":{"prompt":"a","seed":1,"top_k":3}' in made.text


def test_a_model_is_named_in_four_ways(local: LocalServer, call: Any) -> None:
    version = call.get(f"/v1/models/{HELLO}").json()["latest_version"]["id"]
    for name in (version, f"{HELLO}:{version}"):
        assert call.create(name, {"text": "you"})["version"] == version
    assert call.create(HELLO, {"text": "you"})["version"] == "hidden"
    response = call.post(f"/v1/models/{HELLO}/predictions", {"input": {"text": "you"}})
    assert (response.status_code, response.json()["model"]) == (201, HELLO)


def test_a_community_model_runs_by_its_version_only(local: LocalServer, call: Any) -> None:
    @local.model("me/own", official=False)
    def own() -> str:
        return "mine"

    assert call.post("/v1/models/me/own/predictions", {"input": {}}).status_code == 404
    assert call.post("/v1/predictions", {"version": "me/own", "input": {}}).status_code == 422
    model = call.get("/v1/models/me/own").json()
    assert model["is_official"] is False
    assert call.run(model["latest_version"]["id"])["output"] == "mine"


@pytest.mark.parametrize(
    "version", ["0" * 64, "me/nobody", f"me/nobody:{'0' * 64}", f"{HELLO}:latest", "x"]
)
def test_an_unknown_version_is_refused(local: LocalServer, call: Any, version: str) -> None:
    response = call.post("/v1/predictions", {"version": version, "input": {}})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "title": "Invalid version or not permitted",
        "detail": "The specified version does not exist (or perhaps you don't have permission to use it?)",
        "status": 422,
    }


def test_a_wrong_body_is_refused_field_by_field(local: LocalServer, call: Any) -> None:
    response = call.post("/v1/predictions", {"model": HELLO, "input": {}})
    assert response.status_code == 422
    assert response.json() == {
        "detail": "- version is required\n- Additional property model is not allowed\n",
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [
            {"type": "required", "field": "", "description": "version is required"},
            {
                "type": "additional_property_not_allowed",
                "field": "",
                "description": "Additional property model is not allowed",
            },
        ],
    }
    assert (
        call.post("/v1/predictions", {"version": HELLO}).json()["detail"] == "- input is required\n"
    )
    assert call.post("/v1/predictions", b"{nonsense").status_code == 400
    assert call.post("/v1/predictions", b"[]").status_code == 422
    assert (
        call.post("/v1/predictions", {"version": 1, "input": {}}).json()["invalid_fields"][0][
            "field"
        ]
        == "version"
    )


@pytest.mark.parametrize(
    ("input", "type", "line"),
    [
        ({}, "required",
         "- input: prompt is required\n"),
        ({"prompt": 1}, "invalid_type",
         "- input.prompt: Invalid type. Expected: string, given: integer\n"),
        ({"prompt": "", "go_fast": 1}, "invalid_type",
         "- input.go_fast: Invalid type. Expected: boolean, given: integer\n"),
        ({"prompt": "", "num_outputs": True}, "invalid_type",
         "- input.num_outputs: Invalid type. Expected: integer, given: boolean\n"),
        ({"prompt": "", "num_outputs": 1.5}, "invalid_type",
         "- input.num_outputs: Invalid type. Expected: integer, given: number\n"),
        ({"prompt": "", "num_outputs": 5}, "number_lte",
         "- input.num_outputs: Must be less than or equal to 4\n"),
        ({"prompt": "", "num_outputs": 0}, "number_gte",
         "- input.num_outputs: Must be greater than or equal to 1\n"),
        ({"prompt": "", "megapixels": "2"}, "enum",
         '- input.megapixels: megapixels must be one of the following: "1", "0.25"\n'),
        ({"prompt": "", "x": 1}, "additional_property_not_allowed",
         "- input: Additional property x is not allowed\n"),
    ],
)  # fmt: skip
def test_a_wrong_input_is_refused(
    local: LocalServer, call: Any, input: Any, type: str, line: str
) -> None:
    response = call.post("/v1/models/black-forest-labs/flux-schnell/predictions", {"input": input})
    assert response.status_code == 422
    assert response.json()["detail"] == line
    assert [field["type"] for field in response.json()["invalid_fields"]] == [type]


def test_a_whole_number_may_have_a_point(local: LocalServer, call: Any) -> None:
    @local.model("me/kinds")
    def kinds(whole: int, part: float) -> list[str]:
        return [type(whole).__name__, type(part).__name__]

    assert call.run("me/kinds", {"whole": 2.0, "part": 3})["output"] == ["int", "float"]


def test_waiting_gives_the_finished_prediction(local: LocalServer, call: Any) -> None:
    response = call.post(
        "/v1/predictions", {"version": HELLO, "input": {"text": "you"}}, Prefer="wait=5"
    )
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "wait=5"
    body = response.json()
    assert (body["status"], body["output"]) == ("succeeded", "hello you")
    assert body["metrics"]["predict_time"] >= 0
    assert body["completed_at"]


def test_waiting_can_answer_processing_with_all_of_the_output(
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


def test_a_file_is_given_by_a_uri(local: LocalServer, call: Any) -> None:
    local.model("me/size")(_size)
    assert (
        call.create(
            "me/size", {"file": "data:,abc", "more": ["https://example.com/a"]}, Prefer="wait"
        )["output"]
        == 3
    )
    response = call.post(
        "/v1/models/me/size/predictions", {"input": {"file": "a.png", "more": [""]}}
    )
    assert response.status_code == 422
    assert response.json()["detail"] == (
        "- input.file: Does not match format 'uri'\n- input.more.0: Does not match format 'uri'\n"
    )


def _size(file: pathlib.Path, more: list[pathlib.Path]) -> int:
    return file.stat().st_size


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


def test_what_outlasts_the_wait_has_not_started_for_clients_that_take_any_other_status_for_the_end(
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


def test_a_deadline_is_shown_and_kept(local: LocalServer, call: Any) -> None:
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


@pytest.mark.parametrize(
    "webhook",
    ["", "hook", "/hook", "ftp://localhost/x", "http://", "http://[x", "http://localhost/a b"],
)
def test_a_webhook_is_an_absolute_url(local: LocalServer, call: Any, webhook: str) -> None:
    response = call.post(
        "/v1/predictions", {"version": HELLO, "input": {"text": "you"}, "webhook": webhook}
    )
    assert response.status_code == 422
    assert response.json()["detail"] == "- webhook: Must be an absolute http or https URL\n"


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "10.0.0.1", "user@example.com"]
)
def test_a_webhook_leads_to_this_machine(local: LocalServer, call: Any, host: str) -> None:
    body = {"version": HELLO, "input": {"text": "you"}, "webhook": f"https://{host}/hook"}
    response = call.post("/v1/predictions", body)
    assert response.status_code == 422
    assert "sends webhooks only to this machine" in response.json()["detail"]


@pytest.mark.parametrize("events", ["completed", ["done"], [1], {"completed": True}])
def test_a_webhooks_events_are_a_list_of_the_four(
    local: LocalServer, call: Any, events: Any
) -> None:
    body = {"version": HELLO, "input": {"text": "you"}, "webhook_events_filter": events}
    response = call.post("/v1/predictions", body)
    assert response.status_code == 422
    assert response.json()["invalid_fields"][0]["field"].startswith("webhook_events_filter")


def test_small_files_come_inline_with_the_wait(caller_of: Callable[[LocalServer], Any]) -> None:
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


def test_the_version_in_the_path_may_be_said_twice(local: LocalServer, call: Any) -> None:
    twice = call.get("/v1/v1/models?sort_by=model_created_at").json()
    assert twice == call.get("/v1/models?sort_by=model_created_at").json()
    assert requests.get(f"{local.url}/v1/models", timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "You did not pass an authentication token"),
        ({"Authorization": "Bearer other"}, "You did not pass a valid authentication token"),
        ({"Authorization": "local"}, "You did not pass a valid authentication token"),
    ],
)
def test_without_the_token_nothing_is_told(
    local: LocalServer, headers: dict[str, str], detail: str
) -> None:
    for path in ("/models", "/predictions", "/predictions/x", "/nothing"):
        response = requests.get(local.url + path, headers=headers, timeout=5)
        assert response.status_code == 401
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.text) == {
            "title": "Unauthenticated",
            "detail": detail,
            "status": 401,
        }
        assert "ratelimit-remaining" not in response.headers


def test_both_spellings_of_the_token_are_taken(local: LocalServer) -> None:
    for scheme in ("Bearer", "Token"):
        headers = {"Authorization": f"{scheme} r8_local"}
        assert (
            requests.get(f"{local.url}/account", headers=headers, timeout=5).json()["username"]
            == "local"
        )
