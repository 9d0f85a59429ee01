"""The model's schema decides in which form a chat is sent, and nothing of it is dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.chat_input import build_input, parse_chat
from replicate_sync.payloads.schemas import ModelSchema
from replicate_sync.refs import ModelRef

FILE = {"type": "string", "format": "uri"}
FILES = {"type": "array", "items": FILE}
TEXT = {"type": "string"}
GPT: dict[str, Any] = {
    "prompt": TEXT,
    "system_prompt": TEXT,
    "messages": {"type": "array"},
    "image_input": FILES,
    "reasoning_effort": {"type": "string", "enum": ["low", "high"]},
    "max_completion_tokens": {"type": "integer"},
}
CLAUDE: dict[str, Any] = {
    "prompt": TEXT,
    "system_prompt": TEXT,
    "image": FILE,
    "max_tokens": {"type": "integer", "minimum": 1024, "maximum": 8192},
}
GEMINI: dict[str, Any] = {
    "prompt": TEXT,
    "system_instruction": TEXT,
    "images": {**FILES, "maxItems": 2},
    "videos": FILES,
}
PLAIN: dict[str, Any] = {"prompt": TEXT, "max_new_tokens": {"type": "integer"}}
UNKNOWN: dict[str, Any] = {}

URL = "https://example.com/{}.png"
SYSTEM = {"role": "system", "content": "Be brief."}
HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello."}
NOW = {
    "role": "user",
    "content": [{"type": "text", "text": "And "}, {"type": "text", "text": "now?"}],
}


def pictured(*names: str) -> dict[str, Any]:
    pictures = [{"type": "image_url", "image_url": {"url": URL.format(name)}} for name in names]
    return {"role": "user", "content": [{"type": "text", "text": "What?"}, *pictures]}


def build(
    messages: Any, properties: dict[str, Any], extra: Any = None, **parameters: Any
) -> dict[str, object]:
    raw: dict[str, Any] = {"Output": {"type": "string"}}
    if properties:
        raw["Input"] = {"properties": properties}
    chat = parse_chat(messages, parameters, extra)
    return build_input(chat, ModelSchema.parse(raw), ModelRef("me/model"))


@pytest.mark.parametrize(
    ("messages", "properties", "expected"),
    [
        ("Hi", GPT, {"prompt": "Hi"}),
        ("Hi", PLAIN, {"prompt": "Hi"}),
        ("Hi", UNKNOWN, {"prompt": "Hi"}),
        ([HI], GPT, {"messages": [HI]}),
        ([HI], CLAUDE, {"prompt": "Hi"}),
        ([HI], UNKNOWN, {"prompt": "Hi"}),
        ([SYSTEM, HI], GPT, {"messages": [SYSTEM, HI]}),
        ([SYSTEM, HI], CLAUDE, {"system_prompt": "Be brief.", "prompt": "Hi"}),
        ([SYSTEM, HI], GEMINI, {"system_instruction": "Be brief.", "prompt": "Hi"}),
        ([SYSTEM, HI], PLAIN, {"prompt": "System: Be brief.\nUser: Hi\nAssistant:"}),
        ([SYSTEM, HI], UNKNOWN, {"prompt": "System: Be brief.\nUser: Hi\nAssistant:"}),
        ([SYSTEM], CLAUDE, {"prompt": "Be brief."}),
        (
            [SYSTEM, {"role": "developer", "content": "And kind."}, HI],
            CLAUDE,
            {"system_prompt": "Be brief.\n\nAnd kind.", "prompt": "Hi"},
        ),
        ([HI, HELLO, NOW], GPT, {"messages": [HI, HELLO, NOW]}),
        (
            [SYSTEM, HI, HELLO, NOW],
            CLAUDE,
            {
                "system_prompt": "Be brief.",
                "prompt": "User: Hi\nAssistant: Hello.\nUser: And now?\nAssistant:",
            },
        ),
        (
            [SYSTEM, HI, HELLO, NOW],
            PLAIN,
            {
                "prompt": "System: Be brief.\nUser: Hi\nAssistant: Hello.\nUser: And now?\nAssistant:"
            },
        ),
        (
            [pictured("a", "b", "c")],
            GPT,
            {
                "messages": [{"role": "user", "content": "What?"}],
                "image_input": [URL.format(name) for name in "abc"],
            },
        ),
        ([pictured("a")], CLAUDE, {"prompt": "What?", "image": URL.format("a")}),
        ([pictured("a")], GEMINI, {"prompt": "What?", "images": [URL.format("a")]}),
        (
            [pictured("a"), HELLO, pictured("b")],
            GEMINI,
            {
                "prompt": "User: What?\nAssistant: Hello.\nUser: What?\nAssistant:",
                "images": [URL.format("a"), URL.format("b")],
            },
        ),
    ],
)
def test_the_schema_decides_the_form(
    messages: Any, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert build(messages, properties) == expected


def test_a_model_that_takes_messages_as_text_gets_json() -> None:
    text = build([SYSTEM, {"role": "user", "content": "é"}], {"messages": TEXT})["messages"]
    assert isinstance(text, str)
    assert json.loads(text) == [SYSTEM, {"role": "user", "content": "é"}]
    assert build("Hi", {"messages": TEXT}) == {"messages": json.dumps([HI])}


def test_a_system_prompt_beside_messages_becomes_one_of_them_as_the_model_ignores_it_there() -> (
    None
):
    assert build([HI], GPT, system_prompt="Be brief.") == {"messages": [SYSTEM, HI]}
    assert build("Hi", GPT, system_prompt="x") == {"prompt": "Hi", "system_prompt": "x"}
    built = build([SYSTEM, HI], CLAUDE, system_prompt="First.")
    assert built == {"system_prompt": "First.\n\nBe brief.", "prompt": "Hi"}


def test_parameters_find_the_models_names_and_limits() -> None:
    assert build([HI], GPT, max_tokens=9, reasoning_effort="low") == {
        "messages": [HI],
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
    }
    with pytest.raises(InvalidInputError, match="max_tokens must be at least 1024, not 100"):
        build([HI], CLAUDE, max_tokens=100)
    with pytest.raises(InvalidInputError, match="reasoning_effort must be one of low, high"):
        build([HI], GPT, reasoning_effort="huge")
    with pytest.raises(InvalidInputError, match=r"no input for verbosity=; it takes prompt"):
        build([HI], PLAIN, verbosity="low")


@pytest.mark.parametrize(
    ("messages", "properties", "message"),
    [
        ([pictured("a")], PLAIN, "me/model takes no image: it takes prompt, max_new_tokens"),
        ([pictured("a", "b")], CLAUDE, "takes 1 file as 'image', and there are 2"),
        ([pictured("a", "b", "c")], GEMINI, "takes 2 files as 'images', and there are 3"),
        ([pictured("a")], UNKNOWN, "does not show what me/model takes"),
        (
            [{"role": "user", "content": [{"type": "video", "url": URL}]}],
            GPT,
            "takes no video: it takes prompt, system_prompt",
        ),
        (
            [HI, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}],
            CLAUDE,
            "no messages with 'tool_calls'",
        ),
        (
            [HI, {"role": "assistant", "content": ""}, NOW],
            GPT,
            "Message 2, of the role 'assistant'",
        ),
        ([{"content": "Hi"}], UNKNOWN, "needs a 'role'"),
        ("Hi", {"text": {"type": "string", "description": "What to say"}}, r"text \(What to say\)"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_says_what_the_model_takes(
    messages: Any, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        build(messages, properties)


def test_a_model_that_makes_pictures_does_not_chat() -> None:
    raw = {"Input": {"properties": {"prompt": TEXT}}, "Output": FILES}
    chat = parse_chat("a cat", {}, None)
    with pytest.raises(InvalidInputError, match="does not chat: it returns a list of files"):
        build_input(chat, ModelSchema.parse(raw), ModelRef("me/model"))


def test_what_the_caller_has_named_wins_but_never_over_a_picture() -> None:
    assert build("Hi", CLAUDE, {"prompt": "x", "top_a": 1}) == {"prompt": "x", "top_a": 1}
    with pytest.raises(InvalidInputError, match="are both for the input 'image'"):
        build([pictured("a")], CLAUDE, {"image": URL})


def test_messages_of_the_caller_are_not_changed() -> None:
    message = pictured("a")
    before = json.dumps(message)
    build([message], GPT)
    assert json.dumps(message) == before
