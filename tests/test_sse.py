"""Bytes become the events that the WHATWG rules define, however they were cut."""

from __future__ import annotations

import codecs
import sys
import types
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sseclient import SSEClient

from replicate_sync.sse import Event, events

RECORDED = (
    b": hi\n\n"
    b"event: output\nid: 1690212292:0\ndata: Once\n\n"
    b"event: output\nid: 1690212292:1\ndata:  upon\n\n"
    b"event: output\nid: 1690212292:2\ndata: \ndata: \n\n"
    b"event: output\nid: 1690212293:0\ndata: \n\n"
    b"event: output\nid: 1690212293:1\ndata: a\ndata: b\n\n"
    b"event: done\nid: 1690212293:2\ndata: {}\n\n"
)


def events_by_the_standard(stream: bytes) -> list[Event]:
    """Return the events of a whole stream by the steps of the standard, one after the other."""
    text = codecs.decode(stream.removeprefix(codecs.BOM_UTF8), "utf-8", "replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parsed = []
    last_id = name = data = ""
    retry = None
    for line in lines[:-1]:  # what no line break ends is dropped
        if not line:
            if data:
                parsed.append(Event(name or "message", data[:-1], last_id, retry))
            name = data = ""
            retry = None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value.isascii() and value.isdigit() and len(value) < 19:
            retry = int(value)
    return parsed


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


def test_what_replicate_sends_is_parsed_exactly() -> None:
    outputs = [event for event in events([RECORDED]) if event.event == "output"]
    assert "".join(event.data for event in outputs) == "Once upon\na\nb"
    assert [event.id for event in events([RECORDED])][-1] == "1690212293:2"
    assert all(event.own_id for event in events([RECORDED]))


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_a_stream_may_be_cut_anywhere_and_end_its_lines_in_any_way(ending: bytes) -> None:
    stream = RECORDED.replace(b"\n", ending) + "data: é☃".encode() + ending * 2
    whole = list(events([stream]))
    assert len(whole) == 7
    assert list(events(bytewise(stream))) == whole
    for i in range(len(stream)):
        assert list(events([stream[:i], b"", stream[i:]])) == whole


# The examples of https://html.spec.whatwg.org/multipage/server-sent-events.html
@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
            b"data:  third event\n\n",
            [
                ("message", "first event", "1"),
                ("message", "second event", ""),
                ("message", " third event", ""),
            ],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
    ],
)
def test_the_examples_of_the_standard(stream: bytes, expected: list[tuple[str, str, str]]) -> None:
    assert [(event.event, event.data, event.id) for event in events([stream])] == expected


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"\xef\xbb\xbfdata: a\n\n", [Event("message", "a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [Event("message", "b")]),
        (b"data: \xff\xe2\x98\n\n", [Event("message", "\ufffd\ufffd")]),
        (b"id: 7\n\ndata: a\n\n", [Event("message", "a", "7")]),
        (b"id: 7\nid: 8\0\ndata: a\n\n", [Event("message", "a", "7")]),
        (b"id: 7\ndata: a\n\nid\ndata: b\n\n", [Event("message", "a", "7"), Event("message", "b")]),
        (b"retry: 250\ndata: a\n\ndata: b\n\n", [Event("message", "a", "", 250), Event("message", "b")]),
        (b"retry: " + b"9" * 5000 + b"\nretry: 7\ndata: a\n\n", [Event("message", "a", "", 7)]),
        (b"retry: 2x\ndata: a\n\n", [Event("message", "a")]),
        (b"event: x\n\ndata: a\n\n", [Event("message", "a")]),
        (b"data: a\r\rdata: b\n\ndata: c\r\n\r\n\rdata: d\n\r\n", [Event("message", c) for c in "abcd"]),
        ("data: a\u2028b\u0085c\x0bd\x0ce\n\n".encode(), [Event("message", "a\u2028b\u0085c\x0bd\x0ce")]),
        (b"data: whole\n\ndata: half\n", [Event("message", "whole")]),
        (b"data: a\n\n\n", [Event("message", "a")]),
        (
            b"event: output\nid: 7\ndata: a\n\n\nevent: output\nid: 8\ndata: b\n\n\n",
            [Event("output", "a", "7"), Event("output", "b", "8")],
        ),
        (b"Data: a\n data: b\ndata : c\n\n", []),
    ],
)  # fmt: skip
def test_the_rules_that_parsers_get_wrong(stream: bytes, expected: list[Event]) -> None:
    assert list(events([stream])) == expected == events_by_the_standard(stream)
    assert list(events(bytewise(stream))) == expected


FIELDS = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b"", b"dat", b"\xef\xbb\xbfdata", b"idea"]
)
VALUES = st.sampled_from(
    [b"", b" ", b" a", b"b", b": c", b"  d", b"\0", b" 12", b"\xc3\xa9", b"\xff", b"\xe2\x98", b"id: 1"]
)  # fmt: skip
ENDINGS = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"])
LINES = st.tuples(FIELDS, st.sampled_from([b":", b""]), VALUES, ENDINGS).map(b"".join)


@pytest.mark.slow
@given(st.lists(LINES, max_size=12), st.booleans(), st.data())
def test_any_stream_cut_in_any_way_is_parsed_as_the_standard_says(
    lines: list[bytes], has_bom: bool, data: st.DataObject
) -> None:
    stream = codecs.BOM_UTF8 * has_bom + b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    starts = [0, *cuts]
    ends = [*cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip(starts, ends, strict=True)]
    assert list(events(pieces)) == events_by_the_standard(stream)


@pytest.mark.slow
@given(st.lists(LINES, min_size=6, max_size=12))
@settings(max_examples=40, deadline=None)
def test_an_event_of_very_many_lines_is_parsed_as_the_standard_says(lines: list[bytes]) -> None:
    block = b"".join(line.rstrip(b"\r\n") + b"\n" for line in lines)
    stream = b"data: first\n" + 20 * block + b"\n" + block + b"\n"
    assert list(events([stream])) == events_by_the_standard(stream)


def test_the_name_and_the_id_of_an_event_of_very_many_lines_may_be_anywhere_in_it() -> None:
    lines = b"data: x\n" * 200
    [event] = events([b"id: 1\n" + lines + b"event: output\n" + lines + b"id: 2\n\n"])
    assert event == Event("output", "\n".join("x" * 400), "2")


def test_the_cost_of_an_event_grows_with_its_lines_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[int] = []
    parse = SSEClient.events

    def counting(client: Any) -> Iterator[Any]:
        [block] = client._event_source = list(client._event_source)
        lines.append(block.count(b"\n"))
        return parse(client)

    monkeypatch.setattr(SSEClient, "events", counting)
    stream = b"id: 1\nevent: output\n" + 5000 * b"data: x\n" + b"\n"
    assert [event.data.count("x") for event in events([stream])] == [5000]
    assert max(lines) <= 100


def test_events_without_ids_are_parsed_as_quickly_as_those_with_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SSEClient, "events", None)
    stream = b"event: output\ndata: a\n\n" + b"event: output\nid: 7\ndata: b\n\n"
    parsed = list(events([stream, b"event: output\ndata: c\ndata: d\n\n"]))
    assert parsed == [
        Event("output", "a"),
        Event("output", "b", "7", None),
        Event("output", "c\nd", "7", None),
    ]
    assert [event.own_id for event in parsed] == [False, True, False]


def test_an_event_is_yielded_as_soon_as_its_blank_line_has_arrived() -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for chunk in (b"data: a\r", b"\r", b"data: b\n\nda", b"ta: c\n\n"):
            taken.append(chunk)
            yield chunk

    arriving = events(chunks())
    assert next(arriving).data == "a"
    assert len(taken) == 2
    assert next(arriving).data == "b"
    assert len(taken) == 3


@pytest.mark.parametrize(
    ("chunks", "taken_before_the_first"),
    [
        ([b"data: a\n", b"\ndata: b\n", b"\n"], 2),
        ([b"data: a\n\n\n", b"data: b\n\n"], 1),
        ([b"data: a\r\n", b"\ndata: b\r\n\r\n"], 2),
    ],
)
def test_a_blank_line_may_be_in_two_chunks_or_one_too_many(
    chunks: list[bytes], taken_before_the_first: int
) -> None:
    taken = iter(chunks)
    arriving = events(taken)
    assert next(arriving).data == "a"
    assert len(list(taken)) == len(chunks) - taken_before_the_first
    assert [event.data for event in events(chunks)] == ["a", "b"]


def test_bad_utf_8_is_repaired_in_the_usual_form_too() -> None:
    [event] = events([b"event: \xffa\nid: \xff7\ndata: \xffb\n\n"])
    assert event == Event("\ufffda", "\ufffdb", "\ufffd7")


@pytest.mark.parametrize(
    ("stream", "own"),
    [
        (b"id: 1\ndata: a\n\n", [True]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [True, False]),
        (b"event: x\nid: 1\ndata: a\n\nevent: x\ndata: b\n\n", [True, False]),
    ],
)
def test_it_is_known_whether_an_id_came_with_its_event(stream: bytes, own: list[bool]) -> None:
    assert [event.own_id for event in events([stream])] == own


def test_events_are_equal_by_what_they_say() -> None:
    own = Event("a", "b", "1", own_id=True)
    inherited = Event("a", "b", "1")
    assert own == inherited
    assert not own != inherited  # noqa: SIM202
    assert hash(own) == hash(inherited)
    assert own != Event("a", "b", "2")
    assert hash(own) != hash(Event("a", "b", "2"))
    assert own != ("a", "b", "1", None, True)


def test_another_package_of_the_same_module_name_is_reported_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = types.ModuleType("sseclient")
    other.SSEClient = type("SSEClient", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sseclient", other)
    monkeypatch.delitem(sys.modules, "replicate_sync.sse")
    with pytest.raises(
        ImportError, match=r"pip uninstall sseclient.*--force-reinstall sseclient-py"
    ):
        import_module("replicate_sync.sse")
