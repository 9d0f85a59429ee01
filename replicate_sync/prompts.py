"""Chat messages become the one prompt string that most language models on Replicate take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InvalidInputError

Messages = str | Iterable[Mapping[str, Any]]


def prompt(messages: Messages) -> str:
    """Write messages as one prompt.

    A string, or the bare content of a single message, is the prompt itself. Several messages become lines
    `Role: content`, the role capitalised and messages without content left out, and a last line `Assistant:`.
    Content given as a list of parts is joined from its text parts. Raises InvalidInputError for anything else.
    """
    if isinstance(messages, str):
        return messages
    turns = _turns(messages)
    if len(turns) == 1:
        return content(turns[0])
    lines = [f"{_role(turn)}: {text}" for turn in turns if (text := content(turn)).strip()]
    if not lines:
        raise InvalidInputError("None of the messages has any text: give at least one a 'content'.")
    return "\n".join([*lines, "Assistant:"])


def last_content(messages: Messages) -> str:
    """Give the content of the last message: the prompt of an image model."""
    return messages if isinstance(messages, str) else content(_turns(messages)[-1])


def content(turn: Mapping[str, Any]) -> str:
    """Give the text of one message."""
    value = turn.get("content")
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "".join(_part(part) for part in value)
    raise InvalidInputError(f"A message's content must be a string or a list of parts, not {type(value).__name__}.")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        text = part.get("text")
        return text if isinstance(text, str) else ""
    raise InvalidInputError(f"A part of a message must be a string or a dict, not {type(part).__name__}.")


def _role(turn: Mapping[str, Any]) -> str:
    role = turn.get("role")
    if not isinstance(role, str) or not role:
        raise InvalidInputError("Each of several messages needs a 'role', such as 'user' or 'assistant'.")
    return role.capitalize()


def _turns(messages: Any) -> list[Mapping[str, Any]]:
    if isinstance(messages, Mapping):
        messages = [messages]
    turns = list(messages) if isinstance(messages, Iterable) and not isinstance(messages, bytes) else [messages]
    if not turns:
        raise InvalidInputError("There are no messages: give a string, or a list of {'role': …, 'content': …}.")
    for turn in turns:
        if not isinstance(turn, Mapping):
            raise InvalidInputError(f"A message must be a dict with 'role' and 'content', not {type(turn).__name__}.")
    return turns
