"""The content of a chunked body is what http.client reads of it, however its bytes were cut."""

from __future__ import annotations

from functools import partial
from http.client import HTTPResponse, IncompleteRead
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.http.chunks import Chunks, InvalidChunk

SIZES = st.sampled_from(["{:x}", "{:X}", "00{:x}", "{:x} ", "{:x};a=b", '{:x};a="\r"'])
CONTENTS = st.one_of(st.binary(min_size=1, max_size=40), st.sampled_from([b"\r\n", b"\n", b"0"]))
TRAILERS = st.lists(st.sampled_from([b"A: b\r\n", b"Expires: 0\r\n"]), max_size=2)


class _Received:
    """Stands in for a socket from which all of a response has arrived."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> BytesIO:
        """Return what has arrived, as a file."""
        return BytesIO(self._content)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """Return a body in pieces."""
    ends = sorted({place % (len(body) + 1) for place in places} | {len(body)})
    starts = [0, *ends]
    return [body[start:end] for start, end in zip(starts, ends, strict=False)]


def contents_of(pieces: list[bytes]) -> list[bytes]:
    """Return the content of a body that arrives in pieces."""
    ends: list[bool] = []
    arriving = iter([piece for piece in pieces if piece])
    reader = Chunks(next(arriving, b""), partial(next, arriving, b""), lambda: ends.append(True))
    contents = list(iter(reader.read, b""))
    assert ends
    return contents


@given(
    chunks=st.lists(st.tuples(SIZES, CONTENTS), max_size=6),
    trailers=TRAILERS,
    places=st.lists(st.integers(0, 500), max_size=12),
)
def test_content_is_what_http_client_reads(
    chunks: list[tuple[str, bytes]], trailers: list[bytes], places: list[int]
) -> None:
    parts = [form.format(len(data)).encode() + b"\r\n" + data + b"\r\n" for form, data in chunks]
    body = b"".join([*parts, b"0\r\n", *trailers, b"\r\n"])
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    received = HTTPResponse(_Received(head + body))  # type: ignore[arg-type]
    received.begin()
    assert b"".join(contents_of(cut(body, places))) == received.read()


def test_content_is_returned_before_its_chunk_is_complete() -> None:
    arriving = iter([b"b\r\nhello", b" worl", b"d\r\n", b"1\r\n!\r\n1\r\n!\r\n0\r\n", b"\r\n"])
    ends: list[bool] = []
    reader = Chunks(next(arriving, b""), partial(next, arriving, b""), lambda: ends.append(True))
    assert [reader.read() for _ in range(4)] == [b"hello", b" worl", b"d", b"!!"]
    assert not ends
    assert reader.read() == b""
    assert ends


def test_the_last_chunk_may_have_no_end() -> None:
    assert contents_of([b"1\r\n!\r\n0\r\n"]) == [b"!"]


@pytest.mark.parametrize("body", [b"", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"5"])
def test_a_body_that_is_cut_is_an_error(body: bytes) -> None:
    with pytest.raises(IncompleteRead):
        contents_of([body])


@pytest.mark.parametrize(
    "body",
    [
        b"hello\r\n",
        b"-1\r\n",
        b"0x5\r\nhello\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"\r\n5\r\nhello\r\n",
        b"1" * 16 + b"\r\n",
        b"5" + b" " * 70_000,
        b"0\r\n" + b"A: b\r\n" * 20_000,
    ],
)
@pytest.mark.parametrize("is_cut", [False, True])
def test_what_is_no_chunk_is_an_error(body: bytes, is_cut: bool) -> None:
    pieces = [body]
    if is_cut:
        pieces = [body[at : at + 999] for at in range(0, len(body), 999)]
    with pytest.raises(InvalidChunk):
        contents_of(pieces)
