"""A server logs its requests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from replicate_sync import Replicate
from replicate_sync.server import LocalServer
from replicate_sync.server.testing.request_log import LoggedRequest, RequestLog


def test_a_request_can_be_asserted_on(local: LocalServer) -> None:
    with Replicate(local.token, base_url=local.url) as client:
        client.run("replicate/hello-world", {"text": "you"})
        next(client.predictions.list(created_after=datetime(2020, 1, 1, tzinfo=timezone.utc)))
    created = local.requests.to("POST */predictions")[-1]
    assert created.json == {"input": {"text": "you"}} or created.json["input"] == {"text": "you"}
    assert created.headers["content-type"] == "application/json"
    assert datetime.now(timezone.utc) - created.time < timedelta(seconds=10)
    last = local.requests[-1]
    assert (last.method, last.path) == ("GET", "/v1/predictions")
    assert last.query["created_after"].startswith("2020-01-01")
    assert last.json is None
    assert len(local.requests[:]) == len(local.requests) == len(list(local.requests)) > 1
    assert repr(last) == "<GET /v1/predictions >"
    local.requests.clear()
    assert len(local.requests) == 0


def test_the_token_is_not_logged(local: LocalServer, call: Any) -> None:
    call.get("/v1/account")
    assert "Authorization" not in local.requests[-1].headers
    assert local.token not in repr(vars(local.requests[-1]))


def test_a_refused_request_is_logged(local: LocalServer, call: Any) -> None:
    call.post("/v1/predictions", b"{no json")
    assert (local.requests[-1].body, local.requests[-1].json) == (b"{no json", None)
    call.get("/nothing")
    assert local.requests[-1].path == "/nothing"


def test_an_upload_is_logged_without_its_body_and_received_whole(
    local: LocalServer, call: Any
) -> None:
    big = b"x" * (2 * 2**20)
    assert call.send("POST", "/v1/files", files={"content": ("big.bin", big)}).json()[
        "size"
    ] == len(big)
    assert (local.requests[-1].path, local.requests[-1].body) == ("/v1/files", b"")
    assert call.post("/v1/predictions", b'"%s"' % big).status_code == 422
    assert local.requests[-1].body == b""


@pytest.mark.parametrize(
    ("added", "size", "kept"), [(10_001, 0, 10_000), (65, 2**20, 64), (3, 2**25, 2)]
)
def test_the_oldest_requests_are_forgotten(added: int, size: int, kept: int) -> None:
    log = RequestLog()
    body = bytes(size)
    now = datetime.now(timezone.utc)
    for number in range(added):
        log.add(LoggedRequest("POST", f"/{number}", {}, Headers(), body, now))
    assert len(log) == kept
    assert (log[0].path, log[-1].path) == (f"/{added - kept}", f"/{added - 1}")
    log.clear()
    log.add(LoggedRequest("POST", "/again", {}, Headers(), body, now))
    assert [request.path for request in log] == ["/again"]
