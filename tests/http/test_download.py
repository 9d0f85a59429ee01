"""Files and event streams are fetched without a token, and a cut download is resumed."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire import (
    CHUNKED,
    CLOSE_DELIMITED,
    CUT,
    END,
    LAST_CHUNK,
    Request,
    StartWire,
    chunk,
    event,
    response,
)

from replicate_sync import ConnectionFailed, ResponseError
from replicate_sync.deadline import Deadline
from replicate_sync.http.download import Downloader

CONTENT = bytes(range(256)) * 1000


def never() -> bool:
    return False


@pytest.fixture
def downloader(wire: StartWire, transport_of: Any) -> Downloader:
    """Return the downloader of a client whose API is elsewhere."""
    made: Downloader = transport_of(
        wire(lambda r: []), file_hosts=["127.0.0.1", "localhost"]
    ).downloader
    return made


def cut_file(cuts: list[int], tags: list[str] | None = None, *, ranges: bool = True) -> Any:
    """Return how a server responds that cuts its first responses after so many bytes.

    Args:
        cuts: After how many bytes of the content, one for each response; then it is whole.
        tags: The `ETag` of each response; the last one is that of all that follow.
        ranges: Whether the server responds with the part that was asked for.
    """
    cuts = list(cuts)
    tags = tags or ['"a"']

    def respond(request: Request) -> Iterator[Any]:
        tag = tags.pop(0) if len(tags) > 1 else tags[0]
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if ranges else 0
        part = CONTENT[start:]
        head = "HTTP/1.1 200 OK\r\n"
        if start:
            size = len(CONTENT)
            head = f"HTTP/1.1 206 X\r\nContent-Range: bytes {start}-{size - 1}/{size}\r\n"
        yield f"{head}ETag: {tag}\r\nContent-Length: {len(part)}\r\n\r\n".encode()
        if cuts:
            yield part[: cuts.pop(0)]
            yield CUT
        else:
            yield part

    return respond


@pytest.mark.parametrize(
    "steps",
    [
        [20.0],  # silent from the beginning
        [f"HTTP/1.1 200 OK\r\nContent-Length: {10**6}\r\n\r\n".encode(), b"a", 20.0],
        [f"HTTP/1.1 200 OK\r\nContent-Length: {10**6}\r\n\r\n".encode(), *[b"a", 0.02] * 1000],
    ],
    ids=["silent", "silent after a piece", "in drops"],
)
def test_a_download_ends_at_the_deadline_however_slow_it_is(
    steps: list[Any], wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: steps)
    start = time.monotonic()
    with pytest.raises(ConnectionFailed, match="did not arrive before the deadline"):
        list(downloader.download(f"{server.origin}/a.png", deadline=Deadline(0.15)))
    assert time.monotonic() - start < 2


@pytest.mark.slow
def test_a_download_that_falls_silent_ends_at_the_deadline(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 0.6, b"a", 5.0])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match="did not arrive before the deadline"):
        list(downloader.download(f"{server.origin}/a.png", deadline=Deadline(0.7)))
    assert time.monotonic() - began < 1.1


def test_nothing_is_asked_for_after_the_deadline_and_a_file_in_time_is_whole(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [response(CONTENT)])
    over = Deadline(10)
    over.expire()
    with pytest.raises(ConnectionFailed, match="before the deadline"):
        list(downloader.download(f"{server.origin}/a.png", deadline=over))
    assert server.requests == []
    pieces = downloader.download(f"{server.origin}/a.png", deadline=Deadline(10))
    assert b"".join(pieces) == CONTENT
    assert downloader.fetch(f"{server.origin}/a.png") == CONTENT  # on the same connection


def test_a_file_is_fetched_without_the_token(wire: StartWire, downloader: Downloader) -> None:
    server = wire(lambda r: [response(CONTENT)])
    assert downloader.fetch(f"{server.origin}/file") == CONTENT
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert all("authorization" not in r.headers for r in server.requests)
    assert all(r.headers["user-agent"].startswith("replicate-sync/") for r in server.requests)


def test_a_file_that_moved_is_followed_without_credentials_of_any_kind(
    wire: StartWire, downloader: Downloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    other = wire(lambda r: [response(b"file")])
    elsewhere = f"{other.origin.replace('127.0.0.1', 'localhost')}/file"
    server = wire(lambda r: [response(b"", 302, Location=elsewhere)])
    assert downloader.fetch(f"{server.origin}/file") == b"file"
    assert b"".join(downloader.download(f"{server.origin}/file")) == b"file"
    assert len(server.requests) == len(other.requests) == 2
    assert all("authorization" not in r.headers for r in [*server.requests, *other.requests])


def test_a_file_that_moves_without_end_is_an_error(wire: StartWire, downloader: Downloader) -> None:
    server = wire(lambda r: [response(b"", 302, Location=r.path)])
    with pytest.raises(ResponseError, match="not there but redirected on"):
        list(downloader.download(f"{server.origin}/file"))
    assert len(server.requests) == 5


@pytest.mark.parametrize("url", ["http://[bad/x", "nonsense", "ftp://x/y", "http://"])
def test_what_is_no_url_is_a_connection_that_failed(downloader: Downloader, url: str) -> None:
    with pytest.raises(ConnectionFailed, match="during the download"):
        list(downloader.download(url))
    with pytest.raises(ConnectionFailed, match="during the download"):
        downloader.fetch(url)


@pytest.mark.parametrize("status", [404, 410])
def test_for_a_file_that_is_gone_it_is_said_how_long_files_are_kept(
    wire: StartWire, downloader: Downloader, status: int
) -> None:
    server = wire(lambda r: [response({"detail": "gone"}, status)])
    for fetch in (downloader.fetch, lambda url: list(downloader.download(url))):
        with pytest.raises(ResponseError, match="kept for one hour") as raised:
            fetch(f"{server.origin}/file")
        assert raised.value.status_code == status


def test_any_other_refusal_is_an_error_that_quotes_only_the_beginning(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [response(b"no" * 500_000, 403)])
    with pytest.raises(ResponseError, match="403 to the download: nonono") as raised:
        downloader.fetch(f"{server.origin}/file")
    assert "one hour" not in str(raised.value)
    assert len(raised.value.response.content) <= 65536


def test_a_file_that_is_cut_again_and_again_without_a_new_byte_is_an_error(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", END])
    with pytest.raises(ConnectionFailed, match="lost before the response was complete"):
        list(downloader.download(f"{server.origin}/file"))
    assert len(server.requests) == 4


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_is_resumed(wire: StartWire, downloader: Downloader, ranges: bool) -> None:
    for fetch in (downloader.fetch, lambda url: b"".join(downloader.download(url))):
        server = wire(cut_file([1000, 70_000], ranges=ranges))
        assert fetch(f"{server.origin}/file") == CONTENT
        assert len(server.requests) >= 3
        if ranges:
            assert server.requests[-1].headers["range"].startswith("bytes=")


@pytest.mark.slow
def test_a_download_that_makes_progress_is_resumed_as_often_as_it_takes(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(cut_file([20_000] * 12))
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert len(server.requests) == 13


def test_a_file_that_changes_during_the_download_is_an_error(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(cut_file([1000], ['"a"', '"b"']))
    with pytest.raises(ResponseError, match="not the same file as before the cut"):
        list(downloader.download(f"{server.origin}/file"))


def part(
    first: int, last: int, total: object = len(CONTENT), body: bytes | None = None, **headers: str
) -> list[Any]:
    """Return a response of 206 with the bytes from the first to the last one."""
    content = CONTENT[first : last + 1] if body is None else body
    content_range = f"bytes {first}-{last}/{total}"
    headers = {"Content_Range": content_range, "ETag": '"a"', **headers}
    return [response(content, 206, **headers)]


LAST = len(CONTENT) - 1


@pytest.mark.parametrize(
    "resumed",
    [
        part(0, LAST),
        part(999, LAST),
        part(1001, LAST),
        part(1000, LAST, total=len(CONTENT) + 1),
        part(1000, LAST, total=LAST),
        part(1000, 999),
        part(1000, 1999, body=CONTENT[1000:]),
        part(1000, LAST, body=gzip.compress(CONTENT[1000:]), Content_Encoding="gzip"),
        part(1000, LAST, Content_Range="bytes=1000-"),
        part(1000, LAST, Content_Range="items 1000-1999/256000"),
        [response(CONTENT[1000:], 206, ETag='"a"')],
        [response(CONTENT[1000:], 206, Content_Type="multipart/byteranges; boundary=x")],
        [response(CONTENT[1000:], ETag='"a"')],
        [response(CONTENT + b"x", ETag='"a"')],
        [response(b"", 416, Content_Range="bytes */5")],
    ],
)
def test_a_resumed_download_that_is_not_the_rest_of_the_file_is_an_error(
    wire: StartWire, downloader: Downloader, resumed: list[Any]
) -> None:
    whole = cut_file([1000, 1000])

    def respond(request: Request) -> Any:
        return resumed if "range" in request.headers else whole(request)

    server = wire(respond)
    for fetch in (downloader.fetch, lambda url: b"".join(downloader.download(url))):
        whole = cut_file([1000, 1000])
        with pytest.raises(ResponseError, match="the download"):
            fetch(f"{server.origin}/file")


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("total", [len(CONTENT), "*"])
def test_a_server_that_sends_less_than_was_asked_for_is_asked_for_the_rest(
    wire: StartWire, downloader: Downloader, total: object, is_known: bool
) -> None:
    whole = cut_file([1000])

    def respond(request: Request) -> Any:
        if "range" not in request.headers:
            return whole(request) if is_known else part(0, 999, total)
        first = int(request.headers["range"][6:-1])
        if first > LAST:
            return [response(b"", 416)]
        return part(first, min(first + 99_999, LAST), total)

    server = wire(respond)
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert len(server.requests) == (4 if is_known or total != "*" else 5)


def test_a_server_that_never_sends_the_rest_is_an_error(
    wire: StartWire, downloader: Downloader
) -> None:
    def respond(request: Request) -> Any:
        if "range" not in request.headers:
            return part(0, 999)
        return [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST_CHUNK]

    server = wire(respond)
    with pytest.raises(ConnectionFailed, match="has not sent the whole file"):
        b"".join(downloader.download(f"{server.origin}/file"))
    assert len(server.requests) == 5


def test_a_file_of_unknown_size_is_resumed_at_its_very_end_too(
    wire: StartWire, downloader: Downloader
) -> None:
    def respond(request: Request) -> Any:
        if "range" in request.headers:
            return [response(b"", 416, Content_Range=f"bytes */{len(CONTENT)}")]
        return [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(CONTENT), END]

    server = wire(respond)
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert len(server.requests) == 2


def test_a_packed_file_is_asked_for_as_a_whole_again(
    wire: StartWire, downloader: Downloader
) -> None:
    packed = gzip.compress(CONTENT, 0)
    cuts = [50_000, 150_000]

    def respond(request: Request) -> Iterator[Any]:
        yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
            packed
        )
        if cuts:
            yield packed[: cuts.pop(0)]
            yield CUT
        yield packed

    server = wire(respond)
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert all("range" not in request.headers for request in server.requests)


def test_a_file_comes_in_pieces_for_which_the_c_library_asks_the_system_for_no_memory(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda request: [response(CONTENT * 8)])
    pieces = list(downloader.download(f"{server.origin}/out.bin"))
    assert b"".join(pieces) == CONTENT * 8
    assert max(map(len, pieces)) < 128 * 1024 - 100  # what an object has beside its bytes


def test_the_progress_of_a_download_is_reported(wire: StartWire, downloader: Downloader) -> None:
    for head, total in [(f"Content-Length: {len(CONTENT)}", len(CONTENT)), ("A: b", None)]:
        server = wire(lambda r, head=head: [f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode(), CONTENT, END])  # fmt: skip
        moved: list[tuple[int, int | None]] = []
        pieces = downloader.download(
            f"{server.origin}/file",
            on_bytes=lambda received, size, moved=moved: moved.append((received, size)),
        )
        assert b"".join(pieces) == CONTENT
        assert moved[-1] == (len(CONTENT), total)
        assert [received for received, _ in moved] == sorted(received for received, _ in moved)


def test_what_is_sent_packed_is_unpacked(wire: StartWire, downloader: Downloader) -> None:
    server = wire(lambda r: [response(gzip.compress(CONTENT), Content_Encoding="gzip")])
    assert downloader.fetch(f"{server.origin}/file") == CONTENT
    assert b"".join(downloader.download(f"{server.origin}/file")) == CONTENT
    assert {r.headers["accept-encoding"] for r in server.requests} == {"identity"}


@pytest.mark.parametrize(("head", "wrap", "end"), [(CHUNKED, chunk, LAST_CHUNK), (CLOSE_DELIMITED, bytes, END)])  # fmt: skip
def test_the_bytes_of_an_event_stream_are_yielded_as_they_arrive(
    wire: StartWire, downloader: Downloader, head: bytes, wrap: Any, end: Any
) -> None:
    taken = threading.Semaphore(0)

    def respond(request: Request) -> Iterator[Any]:
        yield head
        for number in range(3):
            yield wrap(event("x", number))
            assert taken.acquire(timeout=5)
        yield end

    server = wire(respond)
    pieces = []
    for piece in downloader.event_stream(f"{server.origin}/stream", timeout=5, is_over=never):
        pieces.append(piece)
        taken.release()
    assert pieces == [event("x", number) for number in range(3)]
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].headers["accept"] == "text/event-stream"
    assert server.requests[0].headers["cache-control"] == "no-store"


def test_events_that_arrive_together_are_yielded_together_and_leave_a_connection_for_the_next(
    wire: StartWire, downloader: Downloader
) -> None:
    sent = [event("x", number) for number in range(50)]
    body = b"".join([*map(chunk, sent), LAST_CHUNK])
    server = wire(lambda r: [CHUNKED + body[:700], 0.02, body[700:]])
    for _ in range(3):
        pieces = list(downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never))
        assert b"".join(pieces) == b"".join(sent)
        assert len(pieces) < 5
    assert server.connections == 1


@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"])
def test_no_byte_is_lost_of_a_stream_of_which_much_arrives_with_its_head(
    wire: StartWire, downloader: Downloader, header: bytes
) -> None:
    sent = [event("x" * number, number) for number in range(1000)]
    body = b"".join([*map(chunk, sent), LAST_CHUNK])
    server = wire(lambda r: [CHUNKED.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n") + body])
    pieces = downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never)
    assert b"".join(pieces) == b"".join(sent)


@pytest.mark.parametrize("rest", [b"", b"hello", b"x\r\nhello\r\n", b"5\r\nhello!\r\n"])
def test_chunks_that_are_cut_or_wrong_are_an_error(
    wire: StartWire, downloader: Downloader, rest: bytes
) -> None:
    server = wire(lambda r: [CHUNKED + chunk(event("x", 1)) + rest, END])
    pieces = downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never)
    with pytest.raises(ConnectionFailed, match="the event stream"):
        list(pieces)


def test_a_stream_is_reopened_behind_an_id_of_any_characters(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [CHUNKED, LAST_CHUNK])
    list(
        downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never, last_event_id="7:☃")
    )
    sent = server.requests[0].headers["last-event-id"]
    assert sent.encode("latin-1").decode() == "7:☃"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (response({"detail": "gone"}, 404), "404 to the event stream: gone"),
        (response({"a": 1}), "the event stream is not an event stream .status 200"),
        (response(b"x" * 1_000_000, 206), "206 to the event stream"),
    ],
)
def test_what_is_no_event_stream_is_an_error(
    wire: StartWire, downloader: Downloader, reply: bytes, says: str
) -> None:
    server = wire(lambda r: [reply])
    with pytest.raises(ResponseError, match=says):
        list(downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never))


@pytest.mark.parametrize("head", [CHUNKED, CLOSE_DELIMITED])
def test_a_stream_that_breaks_is_an_error_behind_what_arrived(
    wire: StartWire, downloader: Downloader, head: bytes
) -> None:
    first = event("x", 1)
    arrived = chunk(first) if head is CHUNKED else first
    server = wire(lambda r: [head, arrived, 0.05, CUT])
    pieces = downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never)
    assert next(pieces) == first
    with pytest.raises(ConnectionFailed, match="lost"):
        next(pieces)


def test_a_silent_stream_is_an_error_after_its_own_timeout(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [CHUNKED, 10.0])
    with pytest.raises(ConnectionFailed, match=r"silent for 0.1 s \(during the event stream"):
        list(downloader.event_stream(f"{server.origin}/s", timeout=0.1, is_over=never))


def test_a_stream_that_is_left_closes_its_connection(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [CHUNKED, *[step for n in range(2000) for step in (chunk(event("x", n)), 0.005)]])  # fmt: skip
    pieces = downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never)
    with contextlib.closing(pieces):  # type: ignore[type-var]
        next(pieces)
        assert server.open == 1
    assert server.until(lambda: server.open == 0, 5)


def test_an_interrupt_while_a_stream_is_read_is_one_line_in_a_notebook(
    wire: StartWire, downloader: Downloader
) -> None:
    server = wire(lambda r: [CHUNKED, chunk(event("x", 1)), 10.0])
    pieces: Any = downloader.event_stream(f"{server.origin}/s", timeout=5, is_over=never)
    next(pieces)
    with pytest.raises(KeyboardInterrupt) as raised:
        pieces.throw(KeyboardInterrupt())
    assert raised.value._render_traceback_() == ["Stopped."]  # type: ignore[attr-defined]


def test_the_timeout_is_that_of_the_client(transport_of: Any, wire: StartWire) -> None:
    assert transport_of(wire(lambda r: []), timeout=7).downloader.timeout == 7
