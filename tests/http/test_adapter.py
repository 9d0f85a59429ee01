"""The head of a response must arrive in time and as a whole, however the server sends it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from urllib3 import PoolManager
from wire import END, MakeClient, Request, StartWire, response

from replicate_sync import ConnectionFailed, Retries
from replicate_sync.http.adapter import BoundedHeadAdapter

PREDICTION = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
ONCE = Retries(attempts=1)


@pytest.mark.slow
def test_a_head_that_drips_is_an_error_in_time(wire: StartWire, client_of: MakeClient) -> None:
    drip = [step for _ in range(100) for step in (b"X-Drip: 1\r\n", 0.05, b"X", 0.05)]
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\n", *drip])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent for 0\.1 s"):
        client_of(server, retries=ONCE, timeout=0.1).predictions.get("p1")
    assert time.monotonic() - began < 3


def test_a_head_that_comes_in_pieces_is_read_as_one(wire: StartWire, client_of: MakeClient) -> None:
    whole = response(PREDICTION)
    pieces = [step for i in range(0, len(whole), 3) for step in (whole[i : i + 3], 0.0001)]
    client = client_of(wire(lambda r: pieces))
    assert client.predictions.get("p1").output == "hi"
    assert client.predictions.get("p1").output == "hi"


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n", b"HT"]
)
def test_a_head_that_is_cut_short_is_an_error(
    wire: StartWire, client_of: MakeClient, head: bytes
) -> None:
    server = wire(lambda r: [head, END])
    with pytest.raises(ConnectionFailed, match="lost before the response was complete"):
        client_of(server, retries=ONCE).predictions.get("p1")


@pytest.mark.parametrize(
    "beginning", [b"SSH-2.0-OpenSSH_9\r\n", b"\r\n", b"{}", b"HTTQ/1.1 200\r\n"]
)
def test_what_is_not_http_is_an_error_at_once(
    wire: StartWire, client_of: MakeClient, beginning: bytes
) -> None:
    server = wire(lambda r: [beginning, 10.0])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match="lost before the response was complete"):
        client_of(server, retries=ONCE).predictions.get("p1")
    assert time.monotonic() - began < 2


def test_a_head_without_end_is_an_error(wire: StartWire, client_of: MakeClient) -> None:
    def head(request: Request) -> Any:
        yield b"HTTP/1.1 200 OK\r\n"
        for number in range(70):
            yield b"X-%d: " % number + b"x" * 2**15 + b"\r\n"

    with pytest.raises(ConnectionFailed, match="lost before"):
        client_of(wire(head), retries=ONCE).predictions.get("p1")


@pytest.mark.parametrize("separator", [b"\r\n", b"\n"])
def test_a_continue_comes_before_the_response(
    wire: StartWire, client_of: MakeClient, separator: bytes
) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    whole = response(PREDICTION).replace(b"\r\n", separator)
    for steps in ([interim + whole], [interim, 0.01, whole], [interim * 2, 0.01, whole]):
        client = client_of(wire(lambda r, steps=steps: steps))
        assert client.predictions.get("p1").output == "hi"


def test_what_follows_a_head_is_left_for_the_body(wire: StartWire, client_of: MakeClient) -> None:
    body = {**PREDICTION, "output": "x" * 300_000 + "\n\n"}
    client = client_of(wire(lambda r: [response(body)]))
    for _ in range(2):
        assert client.predictions.get("p1").output == body["output"]


def test_a_proxy_has_the_same_connections(wire: StartWire, client_of: MakeClient) -> None:
    proxy = wire(lambda r: [b"HTTP/1.1 200 OK\r\nContent-Type: ", END])
    server = wire(lambda r: [])
    with pytest.raises(ConnectionFailed, match="lost before the response was complete"):
        client_of(server, proxy=proxy.origin, retries=ONCE).predictions.get("p1")
    assert (len(proxy.requests), len(server.requests)) == (1, 0)


def test_a_proxy_for_socks_keeps_its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    own_classes: Any = {"http": object}

    class SocksManager(PoolManager):
        """Stands in for urllib3's, which needs PySocks."""

        def __init__(self, proxy_url: str, **options: Any) -> None:
            super().__init__()
            self.pool_classes_by_scheme = own_classes

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", SocksManager)
    manager = BoundedHeadAdapter().proxy_manager_for("socks5://127.0.0.1:9")
    assert manager.pool_classes_by_scheme is own_classes


def test_without_a_timeout_a_head_may_take_as_long_as_it_likes(wire: StartWire) -> None:
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\n", 0.05, b"Content-Length: 2\r\n\r\nhi"])
    with requests.Session() as session:
        session.mount("http://", BoundedHeadAdapter())
        assert session.get(server.origin).text == "hi"
