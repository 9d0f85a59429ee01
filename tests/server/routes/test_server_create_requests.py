"""The bodies of create requests, and all that is refused."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from replicate_sync.server import LocalServer

HELLO = "replicate/hello-world"


def _size(file: pathlib.Path, more: list[pathlib.Path]) -> int:
    return file.stat().st_size


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
        "detail": "The specified version does not exist "
        "(or perhaps you don't have permission to use it?)",
        "status": 422,
    }


def test_an_invalid_body_is_refused_field_by_field(local: LocalServer, call: Any) -> None:
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
def test_an_invalid_input_is_refused(
    local: LocalServer, call: Any, input: Any, type: str, line: str
) -> None:
    response = call.post("/v1/models/black-forest-labs/flux-schnell/predictions", {"input": input})
    assert response.status_code == 422
    assert response.json()["detail"] == line
    assert [field["type"] for field in response.json()["invalid_fields"]] == [type]


def test_a_file_input_is_a_uri(local: LocalServer, call: Any) -> None:
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
def test_the_webhook_events_are_a_list_of_the_four(
    local: LocalServer, call: Any, events: Any
) -> None:
    body = {"version": HELLO, "input": {"text": "you"}, "webhook_events_filter": events}
    response = call.post("/v1/predictions", body)
    assert response.status_code == 422
    assert response.json()["invalid_fields"][0]["field"].startswith("webhook_events_filter")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_refused(
    local: LocalServer, call: Any, number: str
) -> None:
    response = call.post("/v1/predictions", f'{{"version": "x", "input": {number}}}'.encode())
    assert response.status_code == 400
    assert response.json()["detail"] == (f"Request body is not valid JSON: {number} is no JSON")
