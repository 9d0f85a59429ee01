"""The text in what chat models write, also where they write OpenAI's completion objects.

Most models write plain text. Some write `chat.completion.chunk` objects one after the other, or one
`chat.completion` object, as JSON: a stream joins them to `{…}{…}{…}`. A `CompletionText` takes the
pieces as they come, finds out which it is, and returns text in both cases.

An example: the first piece is `{"id": "c1", "obj`. An object that begins with "id" may be a
completion, so it is held back until it is whole. If its "object" is a completion's, its text is
returned, and so it goes on; if not, it is text of the model's own, and returned as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .json_schema import mapping_at

# The keys with which a completion object may begin. Text that begins otherwise, were it with a
# blank, is never held back.
_KEYS = (
    "choices",
    "created",
    "id",
    "model",
    "object",
    "provider",
    "service_tier",
    "system_fingerprint",
    "usage",
)
_FIRST_KEY = re.compile(r'(?:\{\s*(?:"(?P<key>[^"]*)(?P<end>")?)?)?')
_OBJECTS = ("chat.completion", "chat.completion.chunk")
_decoder = json.JSONDecoder()


class CompletionText:
    """Takes pieces of what a model writes, and returns the text in them."""

    def __init__(self) -> None:
        #: Whether the model writes completion objects; None as long as that is not known.
        self.has_objects: bool | None = None
        #: What the last completion object says of the tokens, {} where none does.
        self.usage: Mapping[str, object] = {}
        #: Why the reply ended, such as "stop" or "length"; "" where nothing says it.
        self.finish_reason: str = ""
        #: The text in the completion objects so far.
        self.text: str = ""
        #: The calls of tools in them so far, each whole and in OpenAI's form.
        self.tool_calls: list[dict[str, Any]] = []
        self._pending = ""

    def add(self, piece: str) -> str:
        """Return the text that is known to be text with this piece, "" where none is."""
        is_first = self.has_objects is None and not self._pending
        if is_first and piece and piece[0] != "{":
            self.has_objects = False
        if self.has_objects is False:
            return piece
        self._pending += piece
        if self.has_objects is None and not _may_be_completion(self._pending):
            return self._take_as_text()
        if "}" not in piece:
            return ""
        return self._take_objects()

    def end(self) -> str:
        """Return the text that was still held back, as what it is at the end."""
        if self.has_objects:
            return ""
        return self._take_as_text()

    @property
    def is_cut(self) -> bool:
        """Whether the text ended within a completion object."""
        return bool(self.has_objects and self._pending.strip())

    def _take_as_text(self) -> str:
        self.has_objects = False
        text = self._pending
        self._pending = ""
        return text

    def _take_objects(self) -> str:
        texts = []
        while self._pending:
            start = len(self._pending) - len(self._pending.lstrip())
            try:
                value, end = _decoder.raw_decode(self._pending, start)
            except (ValueError, RecursionError):  # not whole yet, or nested too deep
                break
            if not is_completion(value):
                if self.has_objects is None:
                    return self._take_as_text()
                value = {}
            self.has_objects = True
            texts.append(self._take_object(value))
            self._pending = self._pending[end:]
        text = "".join(texts)
        self.text += text
        return text

    def _take_object(self, completion: Mapping[str, object]) -> str:
        usage = completion.get("usage")
        if isinstance(usage, Mapping):
            self.usage = usage
        texts = []
        for choice in _first_choices(completion):
            reason = choice.get("finish_reason")
            if isinstance(reason, str):
                self.finish_reason = reason
            for key in ("delta", "message"):
                message = choice.get(key)
                if isinstance(message, Mapping):
                    texts.append(_content_text(message.get("content")))
                    self._take_tool_calls(message.get("tool_calls"))
        return "".join(texts)

    def _take_tool_calls(self, given: object) -> None:
        """Add calls of tools, or the pieces of calls that a chunk has."""
        pieces = given if isinstance(given, list) else []
        for piece in pieces:
            if not isinstance(piece, Mapping):
                continue
            index = piece.get("index")
            if not isinstance(index, int) or not 0 <= index < len(self.tool_calls):
                function = {"name": "", "arguments": ""}
                self.tool_calls.append({"id": "", "type": "function", "function": function})
                index = -1
            call = self.tool_calls[index]
            call["id"] = piece.get("id") or call["id"]
            for name, text in mapping_at(piece, "function").items():
                if name in call["function"] and isinstance(text, str):
                    call["function"][name] += text


def is_completion(value: object) -> bool:
    """Return whether a JSON value is a completion object, whole or a chunk."""
    return isinstance(value, Mapping) and value.get("object") in _OBJECTS


def _may_be_completion(beginning: str) -> bool:
    match = _FIRST_KEY.match(beginning)
    if match is None or match["key"] is None:
        return match is not None and match.end() == len(beginning)
    if match["end"]:
        return match["key"] in _KEYS
    is_open = match.end() == len(beginning)
    return is_open and any(key.startswith(match["key"]) for key in _KEYS)


def _first_choices(completion: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the first choice, if there is one: the others are other replies."""
    choices = completion.get("choices")
    if not isinstance(choices, list):
        return []
    return [choice for choice in choices if isinstance(choice, Mapping) and not choice.get("index")]


def _content_text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))
