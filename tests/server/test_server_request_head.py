"""The head of a request: what WSGI calls it, and what is none."""

from __future__ import annotations

import io

import pytest

from replicate_sync.server.request_head import BadRequest, read_head


def test_it_is_what_wsgi_says() -> None:
    source = io.BytesIO(
        b"\r\nGET /a%20b/%C3%A9?x=%20&y HTTP/1.1\r\nHost: localhost:1\r\nContent-Length:  5 \r\n"
        b"Content-Type: text/plain\r\nX-Two: a\r\nx-two: b\r\nX_Two: c\r\n\r\nhello"
    )
    assert read_head(source) == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\xc3\xa9",
        "QUERY_STRING": "x=%20&y",
        "REQUEST_URI": "/a%20b/%C3%A9?x=%20&y",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:1",
        "CONTENT_LENGTH": "5",
        "CONTENT_TYPE": "text/plain",
        "HTTP_X_TWO": "a,b",
    }
    assert source.read() == b"hello"


def test_a_whole_url_names_the_host() -> None:
    head = b"GET http://other:2/path?q HTTP/1.1\r\nHost: localhost\r\n\r\n"
    environ = read_head(io.BytesIO(head))
    assert environ is not None
    assert environ["HTTP_HOST"] == "other:2"
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/path", "q")


def test_bytes_that_should_be_escaped_in_a_query_are() -> None:
    environ = read_head(io.BytesIO("GET /?é=%20&a[]='b'".encode() + b"\xff HTTP/1.1\r\n\r\n"))
    assert environ is not None
    assert environ["QUERY_STRING"] == "%C3%A9=%20&a[]='b'%FF"


def test_a_client_that_sends_no_more_is_no_error() -> None:
    assert read_head(io.BytesIO(b"")) is None
    assert read_head(io.BytesIO(b"\r\n\n")) is None


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01nonsense\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: early",
        b"GET http://[x/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nspace : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: x\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_head_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequest):
        read_head(io.BytesIO(head))
