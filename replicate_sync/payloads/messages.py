"""Chat messages: parsed, and as the one prompt that many language models on Replicate take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..exceptions import InvalidInputError

if TYPE_CHECKING:
    from .content_parts import MediaPart

Messages: TypeAlias = str | Iterable[Mapping[str, object]]
"""A prompt, or messages: dicts with a `role` and a `content`."""

SYSTEM_ROLES = frozenset({"system", "developer"})
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class Turn(NamedTuple):
    """One message, validated."""

    #: "system", "developer", "user", "assistant", "tool" or "function".
    role: str
    #: Its text, all parts of it in one.
    text: str
    #: The files in it, in order.
    media: tuple[MediaPart, ...]
    #: The message as it was given.
    message: Mapping[str, object]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it to be sent."""
        return not (self.text.strip() or self.media or self.message.get("tool_calls"))


def parse_messages(messages: Messages) -> list[Turn]:
    """Return messages as turns; there is at least one, and each has a content.

    Args:
        messages: A string, or messages. A content is a string or a list of parts; see
            `content_parts`. A single message needs no list.

    Raises:
        InvalidInputError: They are not messages, a role is missing or unknown, or a message has no
            content or an empty one. Only a reply that calls tools needs none.
    """
    given: list[Mapping[str, object]]
    if isinstance(messages, str):
        given = [{"role": "user", "content": messages}]
    else:
        given = _list_messages(messages)
    turns = [_parse_turn(message) for message in given]
    if all(turn.is_empty for turn in turns):
        raise InvalidInputError("None of the messages has any text: give each a 'content'.")
    for position, turn in enumerate(turns, 1):
        if turn.is_empty:
            raise InvalidInputError(
                f"Message {position}, of the role {turn.role!r}, is empty: give it a 'content'."
            )
    return turns


def without_empty_replies(messages: Messages) -> Messages:
    """Return messages without the replies in which there is nothing.

    Programs for other services keep a reply that was stopped before its first word, and send it
    with the next message.

    Args:
        messages: As for `parse_messages`; what is wrong with them is left to that.
    """
    if isinstance(messages, str | Mapping) or not isinstance(messages, Iterable):
        return messages
    return [message for message in messages if not _is_empty_reply(message)]


def _is_empty_reply(message: object) -> bool:
    if not isinstance(message, Mapping) or message.get("role") != "assistant":
        return False
    content = message.get("content")
    is_blank = content is None or (isinstance(content, str) and not content.strip())
    return is_blank and not message.get("tool_calls")


def build_prompt(messages: Messages) -> str:
    r"""Return messages as one prompt.

    A string is the prompt itself, and so is the content of a single message. Several messages
    become lines of the form "Role: content", and a last line "Assistant:":

        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        "System: Be brief.\nUser: Hi\nAssistant:"

    Args:
        messages: As for `parse_messages`.

    Raises:
        InvalidInputError: They are not messages, or there is something in them that a prompt cannot
            express, such as a picture.
    """
    return _text_only(parse_messages(messages))


def flat_prompt(turns: Sequence[Turn]) -> str:
    """Return the text of turns as one prompt; see `build_prompt`.

    Raises:
        InvalidInputError: A turn calls tools, of which a prompt knows nothing.
    """
    for turn in turns:
        if turn.message.get("tool_calls"):
            raise InvalidInputError(
                "This model takes no messages with 'tool_calls': it takes its prompt as text."
            )
    if len(turns) == 1:
        return turns[0].text
    lines = [f"{turn.role.capitalize()}: {turn.text}" for turn in turns if turn.text.strip()]
    lines.append("Assistant:")
    return "\n".join(lines)


def last_content(messages: Messages) -> str:
    """Return the text of the last message: the prompt of an image model.

    Raises:
        InvalidInputError: They are not messages, or the last one is more than text.
    """
    return _text_only(parse_messages(messages)[-1:])


def _text_only(turns: Sequence[Turn]) -> str:
    """Return turns as one prompt, or raise InvalidInputError for a file in them."""
    for turn in turns:
        if turn.media:
            raise InvalidInputError(
                f"This model takes text only, and there is a part of the type "
                f"{turn.media[0].kind!r} in the messages."
            )
    return flat_prompt(turns)


def _parse_turn(message: Mapping[str, object]) -> Turn:
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise InvalidInputError("Each message needs a 'role', such as 'user' or 'assistant'.")
    if role.lower() not in _ROLES:
        raise InvalidInputError(
            f"There is no role {role!r}.", hint=f"The roles are {', '.join(_ROLES)}."
        )
    content = message.get("content")
    if content is None or isinstance(content, str):
        return Turn(role.lower(), content or "", (), message)
    text, media = _parse_parts(content)
    return Turn(role.lower(), text, media, message)


def _parse_parts(content: object) -> tuple[str, tuple[MediaPart, ...]]:
    """Return the text of a content that is not a string, and the files in it."""
    from .content_parts import is_file, parse_part  # late, as most messages are text

    parts: Sequence[object] = (content,)
    if isinstance(content, list | tuple):
        parts = content
    elif not is_file(content):
        raise InvalidInputError(
            "A message's content must be a string or a list of parts, "
            f"not {type(content).__name__}."
        )
    texts = []
    media = []
    for part in parts:
        parsed = parse_part(part)
        if isinstance(parsed, str):
            texts.append(parsed)
        else:
            media.append(parsed)
    return "".join(texts), tuple(media)


def _list_messages(messages: object) -> list[Mapping[str, object]]:
    """Return messages as a list with at least one item. A single message needs no list."""
    if isinstance(messages, Iterable) and not isinstance(messages, Mapping | bytes):
        given = list(messages)
    else:
        given = [messages]
    if not given:
        raise InvalidInputError(
            "There are no messages: give a string, or a list of {'role': …, 'content': …}."
        )
    for message in given:
        if not isinstance(message, Mapping):
            raise InvalidInputError(
                f"A message must be a dict with 'role' and 'content', not {type(message).__name__}."
            )
    return given
