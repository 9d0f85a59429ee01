"""Messages become one prompt, as gpt4free writes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.errors import InvalidInputError
from replicate_sync.prompts import last_content, prompt


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("Hello", "Hello"),
        ([{"role": "user", "content": "Hello"}], "Hello"),
        ({"role": "user", "content": "Hello"}, "Hello"),
        (
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "System: Be brief.\nUser: Hi\nAssistant:",
        ),
        (
            [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": ""},
                {"role": "assistant", "content": None},
                {"role": "assistant", "content": "  "},
                {"role": "user", "content": "there"},
            ],
            "User: Hi\nUser: there\nAssistant:",
        ),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "ab"),
        ([{"role": "user", "content": ["a", {"type": "image_url", "image_url": {"url": "x"}}, {"text": "b"}]}], "ab"),
        ([{"role": "toOL", "content": "1"}, {"role": "user", "content": "2\n3"}], "Tool: 1\nUser: 2\n3\nAssistant:"),
    ],
)
def test_messages_become_the_prompt_that_gpt4free_builds(messages: Any, expected: str) -> None:
    assert prompt(messages) == expected


def test_a_generator_of_messages_is_read_once_and_a_list_is_left_as_it_was() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    before = [dict(turn) for turn in turns]
    assert prompt(turn for turn in turns) == prompt(turns) == "User: a\nAssistant: b\nAssistant:"
    assert turns == before


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"content": "a"}, {"role": "user", "content": "b"}],
        ["a"],
        7,
        None,
        [{"role": "user", "content": 5}],
        b"abc",
        [{"role": "user", "content": ""}, {"role": "user", "content": ""}],
        [{"role": "user", "content": [3]}],
    ],
)
def test_what_is_no_message_is_refused_before_anything_is_sent(messages: Any) -> None:
    with pytest.raises(InvalidInputError):
        prompt(messages)


@given(st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.text()}), min_size=2))
def test_every_content_is_in_the_prompt_in_order(messages: list[dict[str, str]]) -> None:
    filled = [m for m in messages if m["content"].strip()]
    if filled:
        expected = "".join(f"{m['role'].capitalize()}: {m['content']}\n" for m in filled) + "Assistant:"
        assert prompt(messages) == expected


def test_the_prompt_of_an_image_is_the_last_message() -> None:
    assert last_content([{"role": "user", "content": "a"}, {"role": "user", "content": "a red cube"}]) == "a red cube"
    assert last_content("a red cube") == "a red cube"
