"""The head of a response must arrive in time and as a whole, however the server sends it."""

from __future__ import annotations

import signal
import sys
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import BufferedReader, BytesIO
from typing import Any

import pytest
import requests
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from urllib3 import PoolManager
from wire import END, MakeClient, Request, StartWire, response

from replicate_sync import ConnectionFailed, Retries
from replicate_sync.http.adapter import BoundedHeadAdapter, Delivery, thread

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


class _Received:
    """Stands in for a socket from which all of a response has arrived."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> BufferedReader:
        """Return what has arrived, as a file."""
        return BufferedReader(BytesIO(self._content))  # type: ignore[arg-type]


def understood(kind: type[HTTPResponse], content: bytes, method: str) -> list[object]:
    """Return what a class of responses understands of these bytes."""
    received = kind(_Received(content), method=method)  # type: ignore[arg-type]
    try:
        received.begin()
    except HTTPException as error:
        return [type(error)]
    return [
        received.status,
        received.reason,
        received.version,
        received.msg.items(),
        received.length,
        received.chunked,
        received.will_close,
        received.getheader("x-a"),
        None if received.chunked else received.peek(),
    ]


NAMES = st.sampled_from(["Content-Length", "content-length", "Transfer-Encoding", "Connection"])
VALUES = st.one_of(
    st.sampled_from(["0", "4", "+4", "-4", " 4 ", "4, 4", "1_0", "9" * 30, "\t", "a: b"]),
    st.sampled_from(["chunked", "Chunked", "gzip, chunked", "close", "Keep-Alive, Close", "é\xff"]),
    st.text('aA:, \t;="\x00\x0b\x0c\x1c\x85\xa0', max_size=8),
)
LINES = st.tuples(
    st.one_of(NAMES, st.sampled_from(["X-A", "x-a", "X A", "X", "", " X-Folded", "\xe9"])),
    st.sampled_from([":", ": ", " : ", ":\t ", ""]),
    VALUES,
    st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r"]),
)


@given(
    version=st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1"]),
    status=st.sampled_from(["200", "201", "204", "304", "404", "500", "999", "20", "2000", "abc"]),
    reason=st.sampled_from([" OK", " Not  Found ", "", " ", " \xe9\x00"]),
    lines=st.lists(LINES, max_size=6),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
)
@settings(max_examples=300, deadline=None)
def test_a_head_is_understood_as_http_client_understands_it(
    version: str, status: str, reason: str, lines: list[tuple[str, ...]], method: str
) -> None:
    fields = "".join("".join(line) for line in lines)
    content = f"{version} {status}{reason}\r\n{fields}\r\nbody".encode("latin-1")
    assume(b"\n\r\n" in content or b"\n\n" in content)  # else the head has no end
    pool = BoundedHeadAdapter().poolmanager.connection_from_url("http://a.b")
    ours: type[HTTPResponse] = pool.ConnectionCls.response_class
    thread.delivery = Delivery()  # that of another test may have a deadline
    known = understood(HTTPResponse, content, method)
    assert understood(ours, content, method) == known


def test_a_create_is_sent_in_one_piece_after_one_look_at_the_connection(
    wire: StartWire, client_of: MakeClient
) -> None:
    client = client_of(wire(lambda r: [response(PREDICTION, 201)]))
    calls: list[str] = []

    def watch(frame: object, happening: str, argument: Any) -> None:
        if happening == "c_call":
            calls.append(argument.__name__)

    for _ in range(3):
        calls.clear()
        sys.setprofile(watch)
        try:
            client.predictions.create("a/b", {"prompt": "x"})
        finally:
            sys.setprofile(None)
    assert (calls.count("sendall"), calls.count("recv_into"), calls.count("poll")) == (1, 1, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
def test_a_signal_between_head_and_body_may_send_a_request_of_its_own(
    wire: StartWire, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(lambda r: [response(PREDICTION, 201)])
    client = client_of(server)
    statuses: list[str] = []
    send_head = HTTPConnection.endheaders

    def interrupted(self: HTTPConnection, *args: Any, **options: Any) -> None:
        send_head(self, *args, **options)
        if not statuses:
            statuses.append("")
            signal.raise_signal(signal.SIGUSR1)

    def handle(number: int, frame: object) -> None:
        statuses.append(client.predictions.cancel("p1").status)

    monkeypatch.setattr(HTTPConnection, "endheaders", interrupted)
    before = signal.signal(signal.SIGUSR1, handle)
    try:
        created = client.predictions.create("a/b", {"prompt": "x"})
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (created.id, statuses) == ("p1", ["", "succeeded"])
    paths = [request.path for request in server.requests]
    assert paths == ["/v1/predictions/p1/cancel", "/v1/models/a/b/predictions"]
    assert server.requests[1].json == {"input": {"prompt": "x"}}
