"""A server remembers what it was asked for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from replicate_sync import Replicate
from replicate_sync.server import LocalServer


def test_what_came_in_can_be_asserted_on(local: LocalServer) -> None:
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


def test_the_token_is_not_remembered(local: LocalServer, call: Any) -> None:
    call.get("/v1/account")
    assert "Authorization" not in local.requests[-1].headers
    assert local.token not in repr(vars(local.requests[-1]))


def test_what_was_refused_is_remembered_too(local: LocalServer, call: Any) -> None:
    call.post("/v1/predictions", b"{no json")
    assert (local.requests[-1].body, local.requests[-1].json) == (b"{no json", None)
    call.get("/nothing")
    assert local.requests[-1].path == "/nothing"


def test_uploads_are_remembered_without_their_bytes_and_arrive_whole(
    local: LocalServer, call: Any
) -> None:
    big = b"x" * (2 * 2**20)
    assert call.send("POST", "/v1/files", files={"content": ("big.bin", big)}).json()[
        "size"
    ] == len(big)
    assert (local.requests[-1].path, local.requests[-1].body) == ("/v1/files", b"")
    assert call.post("/v1/predictions", b'"%s"' % big).status_code == 422
    assert local.requests[-1].body == b""


def test_the_oldest_are_forgotten_where_there_are_too_many(local: LocalServer, call: Any) -> None:
    call.get("/v1/account")
    big = b'"%s"' % (b"x" * 2**20)[:-2]
    for _ in range(65):
        call.post("/v1/predictions", big)
    assert len(local.requests) == 64
    assert local.requests.to("GET *") == []
