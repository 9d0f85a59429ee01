"""What no client would send is refused with a problem response, and prints nothing."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer

HELLO = "replicate/hello-world"
DIGITS = "9" * 5000


@pytest.fixture(autouse=True)
def nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: Any) -> Any:
    yield
    assert capfd.readouterr().err == ""
    assert caplog.records == []


def is_problem(response: requests.Response) -> bool:
    body = response.json()
    return (
        response.headers["Content-Type"] == "application/problem+json"
        and body["status"] == response.status_code
        and bool(body["detail"])
    )


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


@pytest.mark.parametrize("depth", [201, 900, 100_000])
def test_deep_json_is_refused(local: LocalServer, call: Any, depth: int) -> None:
    local.script("me/any", output="x")
    body = f'{{"version": "me/any", "input": {{"a": {nested(depth)}}}}}'
    response = call.post("/v1/predictions", body.encode())
    assert (response.status_code, is_problem(response)) == (400, True)
    deep = '{"a":' * depth + "1" + "}" * depth
    upload = call.session.post(
        f"{local.url}/files", files={"content": b"x", "metadata": (None, deep)}, timeout=5
    )
    assert (upload.status_code, is_problem(upload)) == (422, True)
    assert call.get("/v1/predictions").json()["results"] == []
    assert call.get("/v1/files").json()["results"] == []


def test_json_as_deep_as_anyone_needs_comes_back(local: LocalServer, call: Any) -> None:
    local.script("me/any", output="x")
    input = {"a": json.loads(nested(150))}
    body = call.run("me/any", input)
    assert (body["input"], body["status"]) == (input, "succeeded")


@pytest.mark.parametrize("path", ["/v1/search?query=", "/v1/predictions?cursor=", "/p/x?"])
def test_a_query_that_is_no_utf_8_is_a_query(local: LocalServer, path: str) -> None:
    with socket.create_connection(("127.0.0.1", local.port), timeout=5) as client:
        head = "Host: localhost\r\nAuthorization: Bearer r8_local\r\nConnection: close\r\n\r\n"
        client.sendall(f"GET {path}".encode() + b"\xff\xbf HTTP/1.1\r\n" + head.encode())
        with client.makefile("rb") as response:
            assert response.read().split()[1] in (b"200", b"404")


def test_a_deep_query_is_a_query(call: Any) -> None:
    assert call.send("QUERY", "/v1/models", data=nested(100_000)).status_code == 200


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", DIGITS])
def test_a_number_that_json_does_not_have_is_refused(
    local: LocalServer, call: Any, number: str
) -> None:
    local.script("me/any", output="x")
    body = f'{{"version": "me/any", "input": {{"n": {number}}}}}'
    response = call.post("/v1/predictions", body.encode())
    assert (response.status_code, is_problem(response)) == (400, True)
    metadata = f'{{"n": {number}}}'
    upload = call.session.post(
        f"{local.url}/files", files={"content": b"x", "metadata": (None, metadata)}, timeout=5
    )
    assert upload.status_code == 422


def test_a_models_number_that_json_does_not_have_is_null(local: LocalServer, call: Any) -> None:
    @local.model("me/measures")
    def measures(scale: float = float("inf")) -> dict[str, float]:
        from replicate_sync.server import metric

        metric("loss", float("inf"))
        metric("shape", {1, 2})
        return {"nan": float("nan"), "huge": 1e308 * 10}

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    made = call.create("me/measures", {}, Prefer="wait=5")
    text = call.get(made["urls"]["get"]).text
    body = json.loads(text, parse_constant=no_constant)
    assert body["output"] == {"nan": None, "huge": None}
    assert (body["metrics"]["loss"], body["metrics"]["shape"]) == (None, [1, 2])
    json.loads(call.get("/v1/models/me/measures").text, parse_constant=no_constant)


def test_a_deep_output_fails_the_prediction_and_no_request(local: LocalServer, call: Any) -> None:
    local.model("me/deep")(lambda: json.loads(nested(500)))
    body = call.run("me/deep")
    assert body["status"] == "failed"
    assert call.get("/v1/predictions").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": f"wait={DIGITS}"},
        {"Cancel-After": DIGITS},
        {"Cancel-After": f"{DIGITS}h"},
        {"Cancel-After": f"1h{DIGITS}s"},
    ],
)
def test_a_number_of_5000_digits_in_a_header_is_refused(
    local: LocalServer, call: Any, headers: dict[str, str]
) -> None:
    body = {"version": HELLO, "input": {"text": "x"}}
    response = call.send("POST", "/v1/predictions", json=body, headers=headers)
    assert (response.status_code, is_problem(response)) == (422, True)
    assert local.jobs.all() == []


@pytest.mark.parametrize("limit", [DIGITS, "0", "51", "-1", "\N{SUPERSCRIPT TWO}", "x"])
def test_a_limit_that_is_none_is_refused(call: Any, limit: str) -> None:
    response = call.get("/v1/search", params={"query": "a", "limit": limit})
    assert (response.status_code, list(response.json())) == (400, ["detail"])


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "x"])
def test_a_moment_outside_the_calendar_is_refused(call: Any, moment: str) -> None:
    response = call.get("/v1/predictions", params={"created_after": moment})
    assert (response.status_code, is_problem(response)) == (400, True)


def raw(server: LocalServer, head: str, body: bytes = b"") -> tuple[int, str]:
    """Send bytes, and return the status and the body of the response."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        lines = f"{head}\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        connection.sendall(f"{lines}Connection: close\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    start, _, rest = received.decode().partition("\r\n\r\n")
    assert "application/problem+json" in start
    return int(start.split()[1]), rest


CHUNKED = "HTTP/1.1\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"POST /v1/predictions {CHUNKED}", b"garbage"),
        (f"POST /v1/predictions {CHUNKED}", b"-5\r\nabc\r\n"),
        (f"POST /v1/predictions {CHUNKED}", b"ffffffffffff\r\nabc"),
        (f"POST /v1/predictions {CHUNKED}", b"3\r\nabcdef\r\n"),
        (f"POST /api/prediction {CHUNKED}", b"zz\r\n"),
        (f"QUERY /v1/models {CHUNKED}", b"zz\r\n"),
        (f"POST /v1/files {CHUNKED}\r\nContent-Type: multipart/form-data; boundary=b", b"zz\r\n"),
        ("POST /v1/predictions HTTP/1.1\r\nContent-Length: 50", b"{}"),
        (f"POST /v1/predictions HTTP/1.1\r\nContent-Length: {DIGITS}", b"{}"),
        ("POST /v1/predictions HTTP/1.1\r\nContent-Length: -5", b"{}"),
        ("POST /v1/predictions HTTP/1.1\r\nContent-Length: x", b"{}"),
        ("POST /v1/predictions HTTP/1.1\r\nContent-Length: 999999999999", b"{}"),
    ],
)
def test_a_body_that_is_none_is_refused(local: LocalServer, head: str, body: bytes) -> None:
    status, text = raw(local, head, body)
    assert 400 <= status < 500
    assert json.loads(text)["status"] == status
    assert local.jobs.all() == []


def test_a_whole_chunked_body_is_accepted(local: LocalServer, call: Any) -> None:
    body = json.dumps({"version": HELLO, "input": {"text": "x"}}).encode()
    made = call.session.post(f"{local.url}/predictions", data=iter([body[:9], body[9:]]), timeout=5)
    assert made.status_code == 201
    assert local.requests[-1].json["input"] == {"text": "x"}


@pytest.mark.slow
def test_a_large_chunked_body_is_read_whole(local: LocalServer, call: Any) -> None:
    text = "x" * 3_000_000
    local.script("me/any", output="y")
    body = json.dumps({"version": "me/any", "input": {"text": text}}).encode()
    pieces = iter([body[:9], body[9:2_000_000], body[2_000_000:]])
    made = call.session.post(f"{local.url}/predictions", data=pieces, timeout=5)
    assert made.json()["input"] == {"text": text}
    assert local.requests[-1].body == b""


def test_a_body_larger_than_any_file_is_refused(caller_of: Any) -> None:
    with LocalServer(file_limit=1000) as server:
        call = caller_of(server)
        response = call.post("/v1/predictions", b" " * 1_100_000)
        assert (response.status_code, is_problem(response)) == (413, True)
        call.session.close()
