"""A connection is kept for the next request wherever it is known where that begins."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from replicate_sync.server.connection import Connection
from replicate_sync.server.streams import CLIENT_SOCKET
from replicate_sync.server.testing.middleware import ResetConnection

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Serve = Callable[["WSGIApplication"], socket.socket]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give the other end of a connection that an application responds on."""
    ends: list[tuple[socket.socket, threading.Thread]] = []

    def start(application: WSGIApplication) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(5)
        connection = Connection(theirs, "127.0.0.1", ("127.0.0.1", 80), application)
        thread = threading.Thread(target=connection.serve)
        thread.start()
        ends.append((ours, thread))
        return ours

    yield start
    for end, thread in ends:
        end.close()
        thread.join(5)
        assert not thread.is_alive()


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Respond with what was received."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    text = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} ".encode() + body
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


def pieces(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Respond with a body of unknown length."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"one ", b"", b"two"])


def respond(client: socket.socket, request: bytes, method: str = "GET") -> tuple[Any, bytes]:
    client.sendall(request)
    response = http.client.HTTPResponse(client, method=method)
    response.begin()
    return response, response.read()


def test_requests_are_served_one_after_the_other(serve: Serve) -> None:
    client = serve(echo)
    for number in range(3):
        request = f"POST /{number} HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi".encode()
        response, body = respond(client, request)
        assert (body, response.getheader("Connection")) == (f"POST /{number} hi".encode(), None)
        assert response.getheader("Date").endswith(" GMT")


def test_requests_may_be_sent_before_the_first_response(serve: Serve) -> None:
    client = serve(echo)
    client.sendall(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n")
    received = client.makefile("rb").read()
    assert received.index(b"GET /a") < received.index(b"GET /b")


def test_a_body_of_unknown_length_ends_without_the_connection(serve: Serve) -> None:
    client = serve(pieces)
    for _ in range(2):
        response, body = respond(client, b"GET / HTTP/1.1\r\n\r\n")
        assert (body, response.getheader("Transfer-Encoding")) == (b"one two", "chunked")


def test_an_old_client_gets_no_chunks(serve: Serve) -> None:
    response, body = respond(serve(pieces), b"GET / HTTP/1.0\r\n\r\n")
    assert (body, response.getheader("Transfer-Encoding")) == (b"one two", None)
    assert response.getheader("Connection") == "close"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: x\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1,1\r\n",
        b"Content-Length: 9999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    ],
)
def test_it_is_closed_where_the_next_request_may_begin_anywhere(serve: Serve, head: bytes) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("413 Too large", [("Content-Length", "2")])
        return [b"no"]

    client = serve(application)
    response, body = respond(client, b"POST / HTTP/1.1\r\n" + head + b"\r\n")
    assert (response.status, body, response.getheader("Connection")) == (413, b"no", "close")
    client.sendall(b"GET /smuggled HTTP/1.1\r\n\r\n")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(100) == b""


def test_it_is_closed_where_the_client_asks_for_it(serve: Serve) -> None:
    client = serve(echo)
    client.sendall(b"GET / HTTP/1.1\r\nconnection: Close\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in client.makefile("rb").read()


def test_it_is_closed_although_another_process_holds_it(serve: Serve) -> None:
    held: list[int] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        held.append(os.dup(environ[CLIENT_SOCKET].fileno()))  # as in a fork
        return pieces(environ, start_response)

    response, body = respond(serve(application), b"GET / HTTP/1.0\r\n\r\n")
    assert (response.getheader("Connection"), body) == ("close", b"one two")
    os.close(held[0])


def test_the_response_arrives_although_nobody_reads_the_body(serve: Serve) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("413 Too large", [("Content-Length", "2")])
        return [b"no"]

    size = 20_000_000
    request = f"POST / HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size
    response, body = respond(serve(application), request)
    assert (response.status, body) == (413, b"no")


def test_a_client_that_asks_may_send_its_body(serve: Serve) -> None:
    client = serve(echo)
    client.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert respond(client, b"hi")[1] == b"POST / hi"


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_a_response_without_a_body_has_no_chunks(serve: Serve, method: str, status: str) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [])
        return []

    client = serve(application)
    for _ in range(2):
        response, body = respond(client, f"{method} / HTTP/1.1\r\n\r\n".encode(), method)
        assert (body, response.getheader("Transfer-Encoding")) == (b"", None)


def test_what_is_no_http_is_refused(serve: Serve) -> None:
    response, _ = respond(serve(echo), b"\x16\x03\x01 hello\n")
    assert (response.status, response.getheader("Connection")) == (400, "close")


def test_an_error_of_the_application_is_a_500_and_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise ValueError("no disk")

    response, _ = respond(serve(application), b"GET / HTTP/1.1\r\n\r\n")
    assert (response.status, response.getheader("Connection")) == (500, "close")
    assert "no disk" in caplog.text


def test_an_error_in_the_middle_of_a_body_does_not_look_like_its_end(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        raise ValueError("no disk")

    with pytest.raises(http.client.IncompleteRead):
        respond(serve(application), b"GET / HTTP/1.1\r\n\r\n")
    assert "no disk" in caplog.text


def test_the_body_is_closed_where_the_client_has_left(serve: Serve) -> None:
    closed = threading.Event()

    def endless(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    client = serve(endless)
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    client.recv(10)
    client.close()
    assert closed.wait(5)


def test_a_reset_is_one(local: Any) -> None:
    local.faults.reset()
    with socket.create_connection(("127.0.0.1", local.port), timeout=5) as client:
        client.sendall(b"GET /v1/account HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(10)


def test_a_reset_ends_the_connection_only(serve: Serve) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise ResetConnection

    client = serve(application)
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert client.recv(10) == b""


def test_the_server_keeps_a_connection(local: Any) -> None:
    client = http.client.HTTPConnection("127.0.0.1", local.port, timeout=5)
    client.connect()
    first = client.sock
    for _ in range(3):
        client.request("GET", "/v1/account", headers={"Authorization": f"Bearer {local.token}"})
        response = client.getresponse()
        assert json.loads(response.read())["username"] == "local"
        assert client.sock is first
    client.close()
