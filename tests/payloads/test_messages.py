"""Messages become one prompt, as gpt4free builds it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.messages import (
    Turn,
    build_prompt,
    last_content,
    parse_messages,
    without_empty_replies,
)

CHAT = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant"]),
        "content": st.text().map(lambda text: f"a{text}"),
    }
)
TWO_PARTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
MIXED_PARTS = ["a", {"text": "b"}]
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}

NO_MESSAGES = "There are no messages: give a string, or a list of {'role': …, 'content': …}."
NO_ROLE = "Each message needs a 'role', such as 'user' or 'assistant'."
NO_DICT = "A message must be a dict with 'role' and 'content', not"
NO_CONTENT = "A message's content must be a string or a list of parts, not"
NO_PART = "A part of a message must be a string or a dict, not"
NO_PART_TEXT = "A text part of a message needs a 'text', which is a string."
NO_PICTURE = "This model takes text only, and there is a part of the type 'image' in the messages."
NO_SUCH_PART = (
    "A part of a message is of the type 'thought', which cannot be sent. The types are text, image, "
    "image_url, input_image, audio, audio_url, input_audio, video, video_url, input_video, file, "
    "file_url, input_file, document."
)
TOOL_CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
NO_TOOLS = "This model takes no messages with 'tool_calls': it takes its prompt as text."
NO_SUCH_ROLE = (
    "There is no role 'robot'. The roles are system, developer, user, assistant, tool, function."
)
EMPTY_REPLIES = [
    {"role": "assistant"},
    *({"role": "assistant", "content": content} for content in (None, "", "  ", [])),
]
EMPTY = "Message 2, of the role 'user', is empty: give it a 'content'."
NO_TEXT = "None of the messages has any text: give each a 'content'."


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
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "there"},
            ],
            "User: Hi\nAssistant: Hello\nUser: there\nAssistant:",
        ),
        ([{"role": "user", "content": TWO_PARTS}], "ab"),
        ([{"role": "user", "content": MIXED_PARTS}], "ab"),
        ([{"role": "user", "content": tuple(MIXED_PARTS)}], "ab"),
        (
            [{"role": "toOL", "content": "1"}, {"role": "user", "content": "2\n3"}],
            "Tool: 1\nUser: 2\n3\nAssistant:",
        ),
    ],
)
def test_messages_become_the_prompt_that_gpt4free_builds(messages: Any, expected: str) -> None:
    assert build_prompt(messages) == expected


def test_a_generator_of_messages_is_read_once_and_a_list_is_not_changed() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    before = [dict(turn) for turn in turns]
    expected = "User: a\nAssistant: b\nAssistant:"
    assert build_prompt(turn for turn in turns) == expected
    assert build_prompt(turns) == expected
    assert turns == before


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([], NO_MESSAGES),
        ([{"content": "a"}], NO_ROLE),
        ({"role": None, "content": "a"}, NO_ROLE),
        ([{"content": "a"}, {"role": "user", "content": "b"}], NO_ROLE),
        ([{"role": "", "content": "a"}, {"role": "user", "content": "b"}], NO_ROLE),
        (["a"], f"{NO_DICT} str."),
        (7, f"{NO_DICT} int."),
        (None, f"{NO_DICT} NoneType."),
        (b"abc", f"{NO_DICT} bytes."),
        ([{"role": "user", "content": 5}], f"{NO_CONTENT} int."),
        ([{"role": "user", "content": ""}] * 2, NO_TEXT),
        ("", NO_TEXT),
        (" \n", NO_TEXT),
        ([{"role": "user"}], NO_TEXT),
        ([{"role": "user", "content": None}], NO_TEXT),
        ([{"role": "user", "content": []}], NO_TEXT),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": " "}], EMPTY),
        ([{"role": "user", "content": "a"}, {"role": "system"}], EMPTY.replace("user", "system")),
        *(
            ([{"role": "user", "content": "a"}, reply], EMPTY.replace("user", "assistant"))
            for reply in EMPTY_REPLIES
        ),
        ([{"role": "robot", "content": "a"}], NO_SUCH_ROLE),
        ([{"role": "user", "content": [3]}], f"{NO_PART} int."),
        ([{"role": "user", "content": [{"text": 5}]}], NO_PART_TEXT),
        ([{"role": "user", "content": ["a", PICTURE]}], NO_PICTURE),
        ([{"role": "user", "content": [{"type": "thought", "text": "a"}]}], NO_SUCH_PART),
        ([{"role": "user", "content": "a"}, TOOL_CALL], NO_TOOLS),
    ],
)
def test_what_is_no_message_is_refused(messages: Any, error: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        build_prompt(messages)
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("messages", "role", "text", "media"),
    [
        ({"role": "User", "content": "a"}, "user", "a", ()),
        ({"role": "ASSISTANT", "content": TWO_PARTS}, "assistant", "ab", ()),
        ({"role": "user", "content": b"%PDF-1.4"}, "user", "", (("file", b"%PDF-1.4"),)),
        (
            {"role": "tool", "content": ["a", b"%PDF-1.4", "b"]},
            "tool",
            "ab",
            (("file", b"%PDF-1.4"),),
        ),
        (TOOL_CALL, "assistant", "", ()),
    ],
)
def test_a_message_is_a_role_a_text_and_its_files(
    messages: Any, role: str, text: str, media: Any
) -> None:
    assert parse_messages(messages) == [Turn(role, text, media, messages)]


def test_a_string_is_the_message_of_a_user() -> None:
    assert parse_messages("a") == [Turn("user", "a", (), {"role": "user", "content": "a"})]


@pytest.mark.slow
@given(st.lists(CHAT, min_size=2, max_size=6))
def test_every_content_is_in_the_prompt_in_order(messages: list[dict[str, str]]) -> None:
    lines = [
        f"{message['role'].capitalize()}: {message['content']}\n"
        for message in messages
        if message["content"].strip()
    ]
    if lines:
        assert build_prompt(messages) == "".join(lines) + "Assistant:"


def test_the_prompt_of_an_image_is_the_last_message() -> None:
    chat = [{"role": "user", "content": text} for text in ("a", "b", "a red cube")]
    assert last_content(chat) == "a red cube"
    assert last_content("a red cube") == "a red cube"
    with pytest.raises(InvalidInputError, match="no messages"):
        last_content([])
    with pytest.raises(InvalidInputError, match="no role 'robot'"):
        last_content([{"role": "robot", "content": "a"}, *chat])


def test_a_reply_that_calls_tools_needs_no_content() -> None:
    calling = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    [_, turn] = parse_messages([{"role": "user", "content": "a"}, calling])
    assert turn.message is calling


def test_only_replies_without_anything_in_them_are_left_out() -> None:
    kept: list[Any] = [
        {"role": "user", "content": ""},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": 5},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        "no message",
    ]
    assert without_empty_replies(iter([*EMPTY_REPLIES[:-1], *kept])) == kept
    for other in ("text", kept[0], 5, None):
        assert without_empty_replies(other) is other
