"""What chat models write becomes text, also where they write completion objects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.payloads.completion_text import CompletionText


def chunk(text: str | None, **fields: Any) -> str:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": fields.pop("reason", None)}
    return json.dumps(
        {"id": "c1", "object": "chat.completion.chunk", "choices": [choice], **fields}
    )


WHOLE = json.dumps(
    {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi {}"}}],
    }
)
USAGE = json.dumps({"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 7}})


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def texts_of(pieces: list[str]) -> str:
    """Return the text in all that a model wrote."""
    completion = CompletionText()
    return "".join([*map(completion.add, pieces), completion.end()])


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (chunk("Hel") + chunk("lo}") + chunk(None, reason="stop") + USAGE, "Hello}"),
        (chunk("a") + "\n" + chunk("b") + "\n", "ab"),
        (WHOLE, "Hi {}"),
        ("Hello", "Hello"),
        ('{"name": "Ada"}', '{"name": "Ada"}'),
        ('{"id": 5} and more', '{"id": 5} and more'),
        ('{"id": "not closed', '{"id": "not closed'),
        ("{", "{"),
        ("{}", "{}"),
        ("{ not JSON }", "{ not JSON }"),
        ("", ""),
        (" {", " {"),
    ],
)
def test_text_is_the_same_however_it_is_cut(written: str, expected: str, size: int) -> None:
    assert texts_of(cut(written, size)) == expected


@given(st.text(), st.integers(1, 9))
def test_text_that_is_no_completion_is_returned_exactly(written: str, size: int) -> None:
    assert texts_of(cut(written, size)) == written


def test_text_is_never_held_back_where_it_cannot_be_a_completion() -> None:
    completion = CompletionText()
    pieces = ['{"name', '": "A', 'da"}']
    assert [completion.add(piece) for piece in pieces] == pieces


def test_chunks_are_returned_as_they_come_with_what_is_said_beside_them() -> None:
    completion = CompletionText()
    assert completion.add(chunk("a")) == "a"
    assert completion.add(chunk("b", usage=None) + chunk("c")[:9]) == "b"
    assert completion.is_cut
    assert completion.add(chunk("c")[9:]) == "c"
    assert completion.add(chunk(None, reason="length") + USAGE) == ""
    assert (completion.finish_reason, completion.usage) == ("length", {"total_tokens": 7})
    assert (completion.text, completion.is_cut, completion.end()) == ("abc", False, "")


def test_only_the_first_choice_is_the_reply_and_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "x"}, 5]
    choices = [
        {"index": 0, "message": {"content": parts}},
        {"index": 1, "message": {"content": "other"}},
    ]
    assert texts_of([json.dumps({"object": "chat.completion", "choices": choices})]) == "ab"


def test_calls_of_tools_are_kept_whole_and_in_pieces() -> None:
    function = {"name": "a", "arguments": "{}"}
    whole = {"id": "1", "type": "function", "function": function}
    message = {"content": None, "tool_calls": [whole, {**whole, "id": "2"}, 5]}
    completion = CompletionText()
    completion.add(json.dumps({"object": "chat.completion", "choices": [{"message": message}]}))
    assert completion.tool_calls == [whole, {**whole, "id": "2"}]
    streamed = CompletionText()
    pieces: list[object] = [
        {"index": 0, "id": "1", "function": {"name": "a", "arguments": ""}},
        {"index": 1, "id": "2", "function": {"name": "a", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "function": {"arguments": "}", "other": 5}},
        {"index": 1, "id": None, "function": None},
    ]
    for piece in pieces:
        delta = {"delta": {"tool_calls": [piece]}}
        streamed.add(json.dumps({"object": "chat.completion.chunk", "choices": [delta]}))
    assert streamed.tool_calls == completion.tool_calls


def test_a_text_that_is_nested_too_deep_for_the_parser_is_text() -> None:
    written = '{"id": ' + "[" * 50_000 + "]" * 50_000 + "}"
    completion = CompletionText()
    assert completion.add(written) + completion.end() == written
