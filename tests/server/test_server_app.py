"""Every operation of the API is there, and is refused without the token, but for those that need none."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer
from replicate_sync.server.app import create_app

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


def test_there_are_37_operations() -> None:
    assert len(set(OPERATIONS)) == len(OPERATIONS) == 37


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_there_and_needs_the_token(local: LocalServer, operation: str) -> None:
    method, _, path = operation.partition(" ")
    with_token = requests.request(
        method, local.url + path, headers={"Authorization": "Bearer r8_local"}, timeout=5
    )
    assert with_token.status_code not in (405, 500)
    # What is not there is told as JSON; of a route that is not, 405 or the same 404 would be told.
    assert "detail" in with_token.json() or with_token.status_code == 200
    without = requests.request(method, local.url + path, timeout=5)
    if path in ("/search", "/files/a/download"):
        assert without.status_code == with_token.status_code
    else:
        assert (without.status_code, json.loads(without.content)["title"]) == (
            401,
            "Unauthenticated",
        )
    rules = create_app(local).url_map.bind("localhost")
    endpoint, _ = rules.match("/v1" + path, method)
    assert endpoint


def test_a_method_that_is_not_there_is_told_which_are(local: LocalServer, call: Any) -> None:
    response = call.send("TRACE", "/v1/models")
    assert response.status_code == 405
    assert {"GET", "POST", "QUERY"} <= set(response.headers["Allow"].split(", "))
    assert response.json() == {"detail": "Method Not Allowed", "status": 405}


def test_the_account_has_all_that_one_has(call: Any) -> None:
    account = call.get("/v1/account").json()
    assert set(account) == {"type", "username", "name", "github_url", "avatar_url"}
    assert all(isinstance(value, str) for value in account.values())
