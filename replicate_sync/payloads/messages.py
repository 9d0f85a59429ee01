"""Chat messages become the one prompt that most language models on Replicate take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..exceptions import InvalidInputError

Messages: TypeAlias = str | Iterable[Mapping[str, object]]
"""A prompt, or messages: dicts with a `role` and a `content`."""


def build_prompt(messages: Messages) -> str:
    r"""Return messages as one prompt.

    A string is the prompt itself, and so is the content of a single message. Several messages
    become lines of the form "Role: content", without those that have no text, and a last line
    "Assistant:":

        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        "System: Be brief.\nUser: Hi\nAssistant:"

    Args:
        messages: A string, or messages. A content is a string or a list of parts, of which the
            text parts are joined.

    Raises:
        InvalidInputError: They are not messages, or none of them has any text.
    """
    if isinstance(messages, str):
        return messages
    turns = _parse_messages(messages)
    if len(turns) == 1:
        return _content(turns[0])
    lines = []
    for turn in turns:
        text = _content(turn)
        if text.strip():
            lines.append(f"{_role(turn)}: {text}")
    if not lines:
        raise InvalidInputError("None of the messages has any text: give at least one a 'content'.")
    lines.append("Assistant:")
    return "\n".join(lines)


def last_content(messages: Messages) -> str:
    """Return the content of the last message: the prompt of an image model.

    Raises:
        InvalidInputError: They are not messages.
    """
    if isinstance(messages, str):
        return messages
    return _content(_parse_messages(messages)[-1])


def _content(turn: Mapping[str, object]) -> str:
    """Return the text of one message."""
    content = turn.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        return "".join(map(_part_text, content))
    raise InvalidInputError(
        f"A message's content must be a string or a list of parts, not {type(content).__name__}."
    )


def _part_text(part: object) -> str:
    """Return the text of a part of a content; "" if it is something else, such as an image."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise InvalidInputError(
            f"A part of a message must be a string or a dict, not {type(part).__name__}."
        )
    text = part.get("text")
    if not isinstance(text, str):
        return ""
    return text


def _role(turn: Mapping[str, object]) -> str:
    role = turn.get("role")
    if not isinstance(role, str) or not role:
        raise InvalidInputError(
            "Each of several messages needs a 'role', such as 'user' or 'assistant'."
        )
    return role.capitalize()


def _parse_messages(messages: object) -> list[Mapping[str, object]]:
    """Return messages as a list with at least one item. A single message needs no list."""
    if isinstance(messages, Iterable) and not isinstance(messages, Mapping | bytes):
        given = list(messages)
    else:
        given = [messages]
    if not given:
        raise InvalidInputError(
            "There are no messages: give a string, or a list of {'role': …, 'content': …}."
        )
    turns: list[Mapping[str, object]] = []
    for turn in given:
        if not isinstance(turn, Mapping):
            raise InvalidInputError(
                f"A message must be a dict with 'role' and 'content', not {type(turn).__name__}."
            )
        turns.append(turn)
    return turns
