"""Each thread and process has connections of its own, without token and cookies."""

from __future__ import annotations

import gzip
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from wire import (
    CHUNKED,
    LAST_CHUNK,
    TOKEN,
    MakeClient,
    Request,
    StartWire,
    chunk,
    event,
    response,
)

from replicate_sync import ConnectionFailed, InvalidInputError, Replicate, Retries
from replicate_sync.http.adapter import Delivery
from replicate_sync.http.prepared import NoAuth
from replicate_sync.http.sessions import BodyTooLong, Sessions, read_body

PREDICTION = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
STARTING = {**PREDICTION, "status": "starting", "output": None}


@pytest.mark.slow
def test_each_thread_has_a_connection_of_its_own(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response({**PREDICTION, "id": r.path.rpartition("/")[2]})])
    client = client_of(server)
    wrong: list[str] = []
    start = threading.Barrier(20)

    def work(n: int) -> None:
        start.wait()
        for i in range(5):
            if client.predictions.get(f"p{n}x{i}").id != f"p{n}x{i}":
                wrong.append(f"p{n}x{i}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.requests) == 100
    assert server.connections == 20


def test_a_warm_client_uses_its_connection_again(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(PREDICTION, 201)])
    client = client_of(server)
    for _ in range(3):
        assert client.run("a/b", {"x": 1}) == "hi"
    assert (len(server.requests), server.connections) == (3, 1)


def test_the_clients_of_a_thread_share_its_connections(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response(PREDICTION, 201)])
    for _ in range(3):
        client_of(server).predictions.get("p1")
    assert server.connections == 1


@pytest.mark.skipif(
    not hasattr(HTTPAdapter, "get_connection_with_tls_context"),
    reason="only requests since 2.32.2 asks the adapter for the pool",
)
def test_few_connections_are_kept_after_many_streams_at_a_time(
    wire: StartWire, client_of: MakeClient
) -> None:
    released = threading.Event()

    def reply(request: Request) -> Any:
        if request.method == "POST":
            urls = {"stream": f"http://{request.headers['host']}/stream"}
            n = request.json["input"]["n"]
            return [response({**STARTING, "id": f"p{n}", "urls": urls}, 201)]
        if request.path == "/stream":
            return stream()
        return [response(PREDICTION)]

    def stream() -> Iterator[Any]:
        yield CHUNKED + chunk(event("a", 0))
        released.wait(10)
        yield chunk(event("{}", name="done")) + LAST_CHUNK

    server = wire(reply)
    client = client_of(server)
    streams = [client.stream("a/b", {"n": n}) for n in range(25)]
    assert [next(one) for one in streams] == ["a"] * 25
    released.set()
    assert [list(one) for one in streams] == [[]] * 25
    for _ in range(3):
        assert client.predictions.get("p1").output == "hi"
    assert server.until(lambda: server.open <= 11)
    assert server.connections == 25


def test_a_closed_client_opens_a_new_connection_when_it_is_used(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response(PREDICTION)])
    with client_of(server) as client:
        client.predictions.get("p1")
    client.close()
    assert server.until(lambda: server.open == 0)
    assert client.predictions.get("p1").id == "p1"
    assert server.connections == 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_fork_opens_connections_of_its_own(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(PREDICTION)])
    client = client_of(server)
    client.predictions.get("p1")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if client.predictions.get("p1").id == "p1" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.predictions.get("p1").id == "p1"
    assert server.connections == 2


def test_a_cookie_is_not_kept(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(PREDICTION, Set_Cookie="a=b; Path=/")])
    client = client_of(server)
    for _ in range(2):
        client.predictions.get("p1")
    assert all("cookie" not in r.headers for r in server.requests)


def test_a_netrc_file_is_never_consulted(
    wire: StartWire,
    client_of: MakeClient,
    transport_of: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = wire(lambda r: [response(PREDICTION)])
    client_of(server).predictions.get("p1")
    assert transport_of(server).downloader.fetch(f"{server.origin}/file")
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in server.requests[1].headers


def test_no_proxy_at_all_ignores_that_of_the_environment(
    wire: StartWire, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = wire(lambda r: [response(PREDICTION)])
    assert client_of(server, proxy="").predictions.get("p1").id == "p1"


def test_a_proxy_of_the_environment_counts_from_the_moment_it_is_set_until_it_is_removed(
    wire: StartWire, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(lambda r: [response(PREDICTION)])
    proxy = wire(lambda r: [response(PREDICTION)])
    client = client_of(server)

    def reached() -> str:
        before = len(proxy.requests)
        client.predictions.get("p1")
        return "proxy" if len(proxy.requests) > before else "server"

    assert reached() == "server"
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    assert reached() == "proxy"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert reached() == "server"
    monkeypatch.delenv("no_proxy")
    assert reached() == "proxy"
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv("all_proxy", proxy.origin)
    assert reached() == "proxy"
    monkeypatch.delenv("all_proxy")
    assert reached() == "server"


def test_a_ca_bundle_of_the_environment_counts_from_the_moment_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Replicate(base_url="https://127.0.0.1:9/v1", retries=Retries(attempts=1))
    with pytest.raises(ConnectionFailed, match="refused"):
        client.predictions.get("p1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConnectionFailed) as raised:
        client.predictions.get("p1")
    assert "/nowhere/ca.pem" in str(raised.value.__cause__)


def test_a_ca_bundle_that_is_missing_is_named_and_nothing_was_created(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    client = Replicate(base_url="https://127.0.0.1:9", retries=Retries(attempts=3, first=9))
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match="certificates is missing") as raised:
        client.run("a/b", {})
    assert "REQUESTS_CA_BUNDLE" in raised.value.hint
    assert not raised.value.maybe_created
    assert time.monotonic() - began < 2


def test_requests_take_the_proxy_that_is_given(wire: StartWire, client_of: MakeClient) -> None:
    proxy = wire(lambda r: [response(PREDICTION)])
    client = Replicate(base_url="http://api.example/v1", proxy=proxy.origin)
    assert client.predictions.get("p1").id == "p1"
    assert [r.headers["host"] for r in proxy.requests] == ["api.example"]


@pytest.mark.parametrize("timeout", [0, -1, "5", None, True, float("nan"), float("inf"), 1e10])
def test_what_is_no_timeout_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidInputError, match="timeout must be a number of seconds above 0"):
        Replicate(timeout=timeout)


@pytest.mark.parametrize("session", ["x", 5, object(), type("Odd", (), {"request": 5})()])
def test_what_is_no_session_is_refused(session: Any) -> None:
    with pytest.raises(InvalidInputError, match="session must be a requests"):
        Replicate(session=session)


def response_of(body: bytes, **headers: str) -> requests.Response:
    """Return a response whose body has not been read."""
    made = requests.Response()
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    made.raw = HTTPResponse(BytesIO(body), headers=dict(made.headers), preload_content=False)
    return made


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000])
def test_a_body_is_read_whole(size: int) -> None:
    body = os.urandom(size)
    assert read_body(response_of(body), time.monotonic() + 10, 2**20) == body
    packed = response_of(gzip.compress(body), Content_Encoding="gzip")
    assert read_body(packed, time.monotonic() + 10, 2**20) == body


def test_a_long_body_is_held_once_and_not_a_second_time_in_pieces() -> None:
    size = 10_000_000
    response = response_of(bytes(size))
    tracemalloc.start()
    try:
        body = read_body(response, time.monotonic() + 30, 2 * size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body) == size
    assert peak < 1.4 * size


def test_a_body_that_is_too_long_is_read_no_further() -> None:
    with pytest.raises(BodyTooLong) as raised:
        read_body(response_of(b"beginning" * 100_000), time.monotonic() + 10, 100_000)
    assert raised.value.beginning.startswith(b"beginning")
    assert len(raised.value.beginning) <= 65536


def test_a_body_that_takes_too_long_is_not_read_to_its_end() -> None:
    with pytest.raises(TimeoutError, match="the response took too long"):
        read_body(response_of(b"x" * 1_000_000), time.monotonic(), 2**30)


def test_a_redirect_is_not_followed_by_the_session(wire: StartWire) -> None:
    server = wire(lambda r: [response(b"", 302, Location="/elsewhere")])
    sessions = Sessions(proxy=None, timeout=5, session=None)
    delivery = Delivery()
    delivery.timeout = 5
    with sessions.send("GET", server.origin, {}, delivery=delivery, auth=NoAuth()) as received:
        assert received.status_code == 302
    assert len(server.requests) == 1
