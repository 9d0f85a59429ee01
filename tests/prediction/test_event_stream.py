"""An event stream is reopened as long as that brings something, and its end is known at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
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

from replicate_sync.deadline import Deadline
from replicate_sync.http.download import Downloader
from replicate_sync.http.sessions import Sessions
from replicate_sync.prediction.event_stream import EventStream

TIMEOUT = 5.0  # seconds
DONE = event("{}", 9, "done")


class RecordingDeadline(Deadline):
    """A deadline that records how long it was asked to sleep, and does not sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def open_stream(
    url: str | None, deadline: Deadline | None = None, timeout: float = TIMEOUT
) -> EventStream:
    downloader = Downloader(Sessions(proxy="", timeout=timeout, session=None))
    return EventStream(url, downloader, deadline or Deadline())


def read(stream: EventStream, timeout: float = TIMEOUT) -> list[str]:
    """Return the data of the output events of one connection."""
    return [output.data for outputs in stream.outputs(timeout) for output in outputs]


def test_output_events_are_yielded_and_the_done_event_is_the_end(wire: StartWire) -> None:
    other_events = event("x", None, "logs") + event("y", None, "odd") + b": a comment\n\n"
    events = [event("a", 0), other_events, event("b", 1), DONE, event("c", 2)]
    stream = open_stream(wire(lambda request: [CLOSE_DELIMITED, *events, END]).url)
    assert stream.is_worthwhile
    assert read(stream) == ["a", "b"]
    assert stream.end == ""
    assert not stream.is_worthwhile


def test_streams_that_end_take_turns_on_one_connection(wire: StartWire) -> None:
    server = wire(lambda request: [CHUNKED, chunk(event("a", 0)), chunk(DONE), 0.001, LAST_CHUNK])
    for _ in range(3):
        assert read(open_stream(server.url)) == ["a"]
    assert server.connections == 1


@pytest.mark.parametrize("rest", [[2.0], [b": beat\n\n", 0.001] * 1000, [event("b", 1)] * 1000])
def test_a_stream_that_goes_on_after_its_last_event_is_left(
    wire: StartWire, rest: list[Any]
) -> None:
    pieces = [piece if isinstance(piece, float) else chunk(piece) for piece in rest]
    server = wire(lambda request: [CHUNKED, chunk(event("a", 0)), chunk(DONE), *pieces])
    stream = open_stream(server.url)
    began = time.monotonic()
    assert read(stream) == ["a"]
    assert time.monotonic() - began < 1
    assert stream.end == ""


def test_a_stream_on_a_connection_of_its_own_is_left_at_its_last_event(wire: StartWire) -> None:
    server = wire(lambda request: [CLOSE_DELIMITED, event("a", 0), DONE, 2.0])
    stream = open_stream(server.url)
    began = time.monotonic()
    assert read(stream) == ["a"]
    assert time.monotonic() - began < 1
    assert stream.end == ""


def test_a_stream_is_reopened_behind_its_last_event_without_a_token(wire: StartWire) -> None:
    server = wire(lambda request: [CLOSE_DELIMITED, event("a", 7), END])
    stream = open_stream(server.url)
    read(stream)
    read(stream)
    first, second = server.requests
    assert "last-event-id" not in first.headers
    assert second.headers["last-event-id"] == "1690212292:7"
    for request in (first, second):
        assert request.headers["accept"] == "text/event-stream"
        assert request.headers["accept-encoding"] == "identity"
        assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("name", "data", "end", "error"),
    [
        ("done", "{}", "", None),
        ("done", "", "", None),
        ("done", "no JSON", "", None),
        ("done", '["odd"]', "", None),
        ("done", '{"reason": null}', "", None),
        ("done", '{"reason": "canceled"}', "canceled", None),
        ("done", '{"reason": "error"}', "error", None),
        ("done", '{"reason": 5}', "5", None),
        ("error", '{"detail": "out of luck"}', "error", "out of luck"),
        ("error", '{"detail": null}', "error", None),
        ("error", "{}", "error", None),
        ("error", '"out of luck"', "error", "out of luck"),
        ("error", "out of luck", "error", "out of luck"),
        ("error", "[]", "error", None),
    ],
)
def test_the_last_event_says_how_the_model_ended(
    wire: StartWire, name: str, data: str, end: str, error: str | None
) -> None:
    steps = [CLOSE_DELIMITED, event("a", 0), event(data, 1, name), END]
    stream = open_stream(wire(lambda request: steps).url)
    assert read(stream) == ["a"]
    assert (stream.end, stream.error) == (end, error)


@pytest.mark.parametrize(
    "failure",
    [[CUT], [CLOSE_DELIMITED, END], [response({"detail": "gone"}, 410)], [response({"ok": 1})]],
    ids=["reset", "empty", "gone", "no event stream"],
)
def test_a_stream_that_fails_three_times_in_a_row_is_not_opened_again(
    wire: StartWire, failure: list[Any]
) -> None:
    stream = open_stream(wire(lambda request: failure).url)
    for _ in range(3):
        assert stream.is_worthwhile
        assert read(stream) == []
    assert not stream.is_worthwhile
    assert stream.end is None


def test_news_make_up_for_earlier_failures(wire: StartWire) -> None:
    stream = open_stream(wire(lambda request: [CLOSE_DELIMITED, event("a", 0), END]).url)
    for connection in range(6):
        assert stream.is_worthwhile
        for _ in stream.outputs(TIMEOUT):
            if connection == 2:
                stream.has_news = True
    assert not stream.is_worthwhile


@pytest.mark.scale
def test_a_stream_that_was_idle_for_more_than_a_second_has_not_failed(wire: StartWire) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED + chunk(b": hi\n\n")
        if len(server.requests) == 3:
            yield 1.05
        yield b"0\r\n\r\n"

    server = wire(reply)
    stream = open_stream(server.url)
    for _ in range(5):
        read(stream)
    assert stream.is_worthwhile
    read(stream)
    assert not stream.is_worthwhile


def test_a_stream_without_a_url_is_not_worthwhile() -> None:
    assert not open_stream(None).is_worthwhile
    assert open_stream("http://127.0.0.1:9/").is_worthwhile


@pytest.mark.slow
@pytest.mark.parametrize("beat", [b": beat\n\n", event("x", None, "logs")])
def test_the_timeout_is_without_output_and_not_without_a_byte(wire: StartWire, beat: bytes) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED + chunk(event("a", 0))
        while True:
            yield chunk(beat)
            yield 0.01

    stream = open_stream(wire(reply).url)
    started = time.monotonic()
    assert read(stream, timeout=0.25) == ["a"]
    assert 0.25 <= time.monotonic() - started < 3


@pytest.mark.slow
def test_output_puts_the_timeout_off(wire: StartWire) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED
        for number in range(6):
            yield chunk(event("a", number))
            yield 0.05
        yield chunk(DONE)

    stream = open_stream(wire(reply).url)
    assert read(stream, timeout=0.25) == ["a"] * 6
    assert stream.end == ""


@pytest.mark.slow
def test_a_caller_who_takes_long_is_not_a_silent_stream(wire: StartWire) -> None:
    has_resumed = threading.Event()

    def reply(request: Request) -> Iterable[Any]:
        yield from [CHUNKED, chunk(event("a", 0)), 0.02, chunk(b": beat\n\n")]
        assert has_resumed.wait(5)
        yield from [0.03, chunk(event("b", 1)), chunk(DONE)]

    stream = open_stream(wire(reply).url)
    arrived = []
    for outputs in stream.outputs(1.0):
        arrived.append(outputs[0].data)
        time.sleep(1.02)
        has_resumed.set()
    assert arrived == ["a", "b"]


@pytest.mark.parametrize("data", [event("a", 0), b": beat\n\n"], ids=["output", "comments"])
def test_reading_ends_at_the_deadline(wire: StartWire, data: bytes) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED
        while True:
            yield chunk(data)
            yield 0.01

    stream = open_stream(wire(reply).url, Deadline(0.05))
    started = time.monotonic()
    read(stream)
    assert time.monotonic() - started < 3
    assert stream.end is None


def test_an_announced_end_is_polled_for_at_once_and_then_soon() -> None:
    deadline = RecordingDeadline()
    stream = open_stream(None, deadline)
    stream.pause_without_reading(5.0)
    stream.end = ""
    for _ in range(4):
        stream.pause_without_reading(5.0)
    assert deadline.pauses == [5.0, 0.0, 0.05, 0.1, 0.2]


def test_the_pause_between_connections_grows_with_the_failures(wire: StartWire) -> None:
    deadline = RecordingDeadline()
    stream = open_stream(wire(lambda request: [CUT]).url, deadline)
    for _ in range(4):
        stream.pause_between_connections(5.0)
        read(stream)
    assert deadline.pauses == [0.0, 0.25, 0.5, 5.0]


def test_a_pause_reads_the_stream_and_ends_with_the_model(wire: StartWire) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED + chunk(event("a", 0))
        yield 0.05
        yield chunk(DONE)

    stream = open_stream(wire(reply).url)
    started = time.monotonic()
    stream.pause(TIMEOUT)
    assert 0.05 <= time.monotonic() - started < 3
    assert stream.end == ""


def test_a_pause_ends_in_time_while_the_model_writes_on(wire: StartWire) -> None:
    def reply(request: Request) -> Iterable[Any]:
        yield CHUNKED
        while True:
            yield chunk(event("a", 0))
            yield 0.01

    stream = open_stream(wire(reply).url)
    started = time.monotonic()
    stream.pause(0.05)
    assert 0.05 <= time.monotonic() - started < 3
    assert stream.end is None
    assert stream.is_worthwhile


def test_a_pause_of_no_length_opens_nothing(wire: StartWire) -> None:
    server = wire(lambda request: [CUT])
    open_stream(server.url).pause(0.0)
    assert server.requests == []
