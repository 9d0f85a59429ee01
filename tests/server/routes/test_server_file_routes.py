"""Uploaded files: kept, shown, listed, downloaded by signature, passed to models, deleted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer, timestamps

NOT_FOUND = b'{"detail":"File not found"}\n'


def upload(
    call: Any, content: Any = ("cat.png", b"meow", "image/png"), **parts: Any
) -> requests.Response:
    return call.send("POST", "/v1/files", files={"content": content, **parts})


def when(text: str) -> datetime:
    whole, _, fraction = text.removesuffix("Z").partition(
        "."
    )  # of any length, which Python 3.10 does not read
    return datetime.fromisoformat(f"{whole}.{fraction.ljust(6, '0')}+00:00")


def test_an_upload_is_shown_with_all_that_is_known(local: LocalServer, call: Any) -> None:
    response = upload(call, metadata=(None, '{"n":1}', "application/json"))
    body = response.json()
    assert response.status_code == 201
    assert list(body) == [
        "id",
        "name",
        "content_type",
        "size",
        "etag",
        "checksums",
        "metadata",
        "created_at",
        "expires_at",
        "urls",
    ]
    assert len(body["id"]) == 48
    assert (body["name"], body["content_type"], body["size"], body["metadata"]) == (
        "cat.png",
        "image/png",
        4,
        {"n": 1},
    )
    assert body["checksums"] == {
        "sha256": hashlib.sha256(b"meow").hexdigest(),
        "md5": hashlib.md5(b"meow").hexdigest(),
    }
    assert body["etag"] == body["checksums"]["md5"]
    assert when(body["expires_at"]) - when(body["created_at"]) == timedelta(hours=24)
    assert body["urls"] == {"get": f"{local.url}/files/{body['id']}"}
    assert call.get(body["urls"]["get"]).json() == body


def test_metadata_may_come_as_a_file_and_names_as_fields(local: LocalServer, call: Any) -> None:
    blob = ("blob", b'{"a": "b"}', "application/json")
    body = upload(call, metadata=blob, filename=(None, "dog.txt"), type=(None, "text/plain")).json()
    assert (body["name"], body["content_type"], body["metadata"]) == (
        "dog.txt",
        "text/plain",
        {"a": "b"},
    )
    plain = upload(call, (None, "words")).json()
    assert (plain["name"], plain["content_type"], plain["size"]) == (
        "",
        "application/octet-stream",
        5,
    )
    assert upload(call, ("empty", b"")).json()["size"] == 0


def test_an_invalid_upload_is_refused(local: LocalServer, call: Any) -> None:
    assert (
        call.send("POST", "/v1/files", files={"other": b"x"}).json()["detail"]
        == "- content is required\n"
    )
    assert call.post("/v1/files", {"content": "x"}).status_code == 422
    for wrong in ("[]", "{", "1"):
        assert (
            upload(call, metadata=(None, wrong)).json()["invalid_fields"][0]["field"] == "metadata"
        )
    assert upload(call, filename=(None, "x" * 256)).status_code == 422
    assert (
        requests.post(f"{local.url}/files", files={"content": b"x"}, timeout=5).status_code == 401
    )


@pytest.mark.slow
def test_a_file_above_the_limit_is_refused(caller_of: Callable[[LocalServer], Any]) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="content"; filename="a"\r\n\r\n'
        yield b"." * size
        yield b"\r\n--x--\r\n"

    assert LocalServer().file_limit == 100 * 2**20
    with LocalServer(file_limit=2**20) as server:
        call = caller_of(server)
        for size, status in ((2**20, 201), (2**20 + 1, 413), (2**22, 413)):
            response = upload(call, ("a", bytes(size)))
            assert response.status_code == status
            kind = {"Content-Type": "multipart/form-data; boundary=x"}
            assert (
                call.send("POST", "/v1/files", data=chunks(size), headers=kind).status_code
                == status
            )
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.content == b'{"detail":"Files must be less than 1MB in size"}\n'
        assert upload(call, (None, "x" * (2**20 + 1))).status_code == 413
        assert [one["size"] for one in call.get("/v1/files").json()["results"]] == [2**20, 2**20]
        call.session.close()


def test_files_are_listed_newest_first(local: LocalServer, call: Any) -> None:
    made = [upload(call, (str(number), b"x")).json() for number in range(3)]
    assert call.get("/v1/files").json() == {"next": None, "previous": None, "results": made[::-1]}


def test_a_deleted_file_is_gone(local: LocalServer, call: Any) -> None:
    path = f"/v1/files/{upload(call).json()['id']}"
    deleted = call.send("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert deleted.headers["Content-Type"] == "text/plain; charset=UTF-8"
    for response in (call.get(path), call.send("DELETE", path), call.get(f"{path}/download")):
        assert (response.status_code, response.content) == (404, NOT_FOUND)
        assert response.headers["Content-Type"] == "application/problem+json"


def test_an_expired_file_is_gone(
    local: LocalServer, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/files/{upload(call).json()['id']}"
    later = timestamps.now() + timedelta(hours=25)
    monkeypatch.setattr(timestamps, "now", lambda: later)
    assert call.get("/v1/files").json()["results"] == []
    assert call.get(path).status_code == 404


def test_a_signed_url_needs_no_token(local: LocalServer, call: Any) -> None:
    id = upload(call).json()["id"]

    def get(
        owner: str = "local", expiry: str = str(int(time.time()) + 60), of: str = id
    ) -> requests.Response:
        digest = hmac.new(
            local.file_secret.encode(), f"{owner} {of} {expiry}".encode(), "sha256"
        ).digest()
        query = {"owner": owner, "expiry": expiry, "signature": base64.b64encode(digest).decode()}
        return requests.get(f"{local.url}/files/{id}/download", params=query, timeout=5)

    found = get()
    assert (found.status_code, found.content) == (200, b"meow")
    assert found.headers["Content-Type"] == "application/octet-stream"
    for wrong in (
        get(owner="other"),
        get(expiry=str(int(time.time()) - 1)),
        get(expiry="never"),
        get(of="other"),
    ):
        assert (wrong.status_code, wrong.content) == (404, NOT_FOUND)
    assert requests.get(f"{local.url}/files/{id}/download", timeout=5).status_code == 404


def test_a_model_reads_the_content_of_an_upload(local: LocalServer, call: Any) -> None:
    @local.model("me/reads")
    def reads(file: Path, more: list[Path]) -> list[str]:
        return [file.suffix, file.read_text(), *(one.suffix + one.read_text() for one in more)]

    url = upload(call).json()["urls"]["get"]
    nameless = upload(call, ("x/../.. y", b"purr", "text/plain")).json()["urls"]["get"]
    there = nameless.replace("127.0.0.1", "localhost")
    served = call.run("me/reads", {"file": url, "more": [nameless, there, "data:text/csv,a%2Cb"]})
    assert served["output"] == [".png", "meow", ".txtpurr", ".txtpurr", ".csva,b"]


def test_an_upload_that_is_gone_fails_the_prediction(local: LocalServer, call: Any) -> None:
    local.model("me/reads")(lambda file: file)

    @local.model("me/reads")
    def reads(file: Path) -> str:
        return file.read_text()

    body = call.run("me/reads", {"file": f"{local.url}/files/gone"})
    assert (body["status"], body["error"]) == ("failed", f"File not found: {local.url}/files/gone")


def test_names_and_metadata_keep_every_letter(local: LocalServer, call: Any) -> None:
    body = upload(
        call, ("<é>.txt", io.BytesIO(b"x")), metadata=(None, json.dumps({"é": None}))
    ).json()
    assert (body["name"], body["metadata"]) == ("<é>.txt", {"é": None})
