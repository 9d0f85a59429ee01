"""Every operation of the API exists, and all but a few need the token."""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer
from replicate_sync.server.routes.multipart_request import MultipartRequest

HELLO = "replicate/hello-world"
JSON = "application/json"


_OPERATIONS = """
GET /account
GET /collections
GET /collections/a
GET /deployments
POST /deployments
DELETE /deployments/a/b
GET /deployments/a/b
PATCH /deployments/a/b
POST /deployments/a/b/predictions
GET /files
POST /files
DELETE /files/a
GET /files/a
GET /files/a/download
GET /hardware
GET /models
POST /models
QUERY /models
DELETE /models/a/b
GET /models/a/b
PATCH /models/a/b
GET /models/a/b/examples
POST /models/a/b/predictions
GET /models/a/b/readme
GET /models/a/b/versions
DELETE /models/a/b/versions/c
GET /models/a/b/versions/c
POST /models/a/b/versions/c/trainings
GET /predictions
POST /predictions
GET /predictions/a
POST /predictions/a/cancel
GET /search
GET /trainings
GET /trainings/a
POST /trainings/a/cancel
GET /webhooks/default/secret
"""


OPERATIONS = _OPERATIONS.strip().splitlines()


def test_the_headers_are_the_edges(local: LocalServer, call: Any) -> None:
    made = call.post("/v1/predictions", {"version": HELLO, "input": {"text": "you"}})
    assert made.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (made.headers["ratelimit-remaining"], made.headers["ratelimit-reset"]) == ("599", "1")
    assert call.get(made.json()["urls"]["get"]).headers["ratelimit-remaining"] == "59999"
    assert call.get("/v1/account").headers["ratelimit-remaining"] == "2999"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "You did not pass an authentication token"),
        ({"Authorization": "Bearer other"}, "You did not pass a valid authentication token"),
        ({"Authorization": "local"}, "You did not pass a valid authentication token"),
    ],
)
def test_without_the_token_nothing_is_shown(
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


def test_both_schemes_of_authorization_are_accepted(local: LocalServer) -> None:
    for scheme in ("Bearer", "Token"):
        headers = {"Authorization": f"{scheme} r8_local"}
        assert (
            requests.get(f"{local.url}/account", headers=headers, timeout=5).json()["username"]
            == "local"
        )


def test_there_are_37_operations() -> None:
    assert len(set(OPERATIONS)) == len(OPERATIONS) == 37


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_exists_and_needs_the_token(local: LocalServer, operation: str) -> None:
    method, _, path = operation.partition(" ")
    with_token = requests.request(
        method, local.url + path, headers={"Authorization": "Bearer r8_local"}, timeout=5
    )
    assert with_token.status_code not in (405, 500)
    # An unknown id is a problem response too, and so is an unknown route: see below.
    assert "detail" in with_token.json() or with_token.status_code == 200
    without = requests.request(method, local.url + path, timeout=5)
    if path in ("/search", "/files/a/download"):
        assert without.status_code == with_token.status_code
    else:
        assert (without.status_code, json.loads(without.content)["title"]) == (
            401,
            "Unauthenticated",
        )
    options = requests.options(
        local.url + path, headers={"Authorization": "Bearer r8_local"}, timeout=5
    )
    assert method in options.headers["Allow"].split(", ")


def test_a_wrong_method_names_the_allowed_ones(local: LocalServer, call: Any) -> None:
    response = call.send("TRACE", "/v1/models")
    assert response.status_code == 405
    assert {"GET", "POST", "QUERY"} <= set(response.headers["Allow"].split(", "))
    assert response.json() == {"detail": "Method Not Allowed", "status": 405}


def test_a_get_can_be_a_head_too(local: LocalServer, call: Any) -> None:
    head = call.send("HEAD", "/v1/account")
    whole = call.get("/v1/account")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))


def test_options_names_the_allowed_methods_to_who_has_the_token(
    local: LocalServer, call: Any
) -> None:
    response = call.send("OPTIONS", "/v1/models")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST, QUERY"
    assert requests.options(f"{local.url}/models", timeout=5).status_code == 401


def test_slashes_too_many_lead_to_the_path_without_them(local: LocalServer, call: Any) -> None:
    response = call.get("/v1//models?cursor=", allow_redirects=False)
    assert response.status_code == 308
    assert response.headers["Location"] == "/v1/models?cursor="
    assert call.get("/v1/models/").status_code == 404


def test_a_body_of_more_than_a_file_may_have_is_refused(caller_of: Any) -> None:
    with LocalServer(file_limit=10) as server:
        call = caller_of(server)
        body = b" " * (2**20 + 11)
        response = call.post(f"/v1/models/{HELLO}/predictions", body, Content_Type=JSON)
        assert response.status_code == 413
        call.session.close()


def test_what_nobody_expected_is_logged_and_is_a_problem(
    local: LocalServer,
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(id: str) -> None:
        raise ZeroDivisionError("of nobody's")

    monkeypatch.setattr(local.jobs, "get", fail)
    response = call.get("/v1/predictions/x")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["detail"]) == (500, "Internal server error")
    [record] = caplog.records
    assert record.getMessage() == "Exception on GET /v1/predictions/x"
    assert "ZeroDivisionError: of nobody's" in caplog.text
    monkeypatch.undo()
    assert call.get("/v1/predictions/x").status_code == 404


def test_a_request_is_gone_with_its_response_and_waits_for_no_garbage_collection(
    local: LocalServer, call: Any
) -> None:
    def requests_held() -> list[object]:
        return [one for one in gc.get_objects() if type(one) is MultipartRequest]

    gc.collect()
    gc.disable()
    try:
        assert call.get("/v1/account").ok
        deadline = time.monotonic() + 2
        while requests_held() and time.monotonic() < deadline:
            time.sleep(0.01)  # the server's thread may not be done with it yet
        assert requests_held() == []
    finally:
        gc.enable()


def test_a_prefix_of_many_slashes_leads_to_no_other_host(local: LocalServer, call: Any) -> None:
    response = call.send("GET", "//evil.example//v1", allow_redirects=False)
    assert not response.headers.get("Location", "").startswith("//")
