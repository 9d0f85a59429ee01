"""JSON as it is sent, and the type of what is received."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, TypeAlias

from ..exceptions import InvalidInputError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""What a JSON text is parsed to."""


LONG_TEXT = 2**18
"""The bytes of a JSON text from which on `LongObject` is worthwhile."""

_MAX_OTHERS = 10_000  # characters that are looked for one by one
_MAX_DEPTH = 20  # of what a message names
_EMPTY_CELL_HINT = "An empty cell of a table is NaN: leave such a key out, or make it None."
_EMPTY_CELLS = ("NAType", "NaTType")  # the types of pandas' own


def serialize_json(value: object, label: str = "input") -> bytes:
    """Return a value as JSON.

    Args:
        value: The value.
        label: What a message calls it.

    Raises:
        InvalidInputError: JSON cannot express the value; the message names its key.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        path, part = _find_unserializable(value)
        reason = str(error)
        hint = ""
        if isinstance(part, float):
            reason = f"it is {part!r}."
            hint = _EMPTY_CELL_HINT
        elif type(part).__name__ in _EMPTY_CELLS:
            hint = _EMPTY_CELL_HINT
        elif isinstance(error, TypeError) and not isinstance(part, Mapping):
            reason = f"it is of the type {type(part).__name__}."
            hint = "Pass it as a text, a number, a list or a dict, such as with str() or list()."
        where = _describe_path(path, label)
        message = f"{where} cannot be sent as JSON: {reason}"
        raise InvalidInputError(message, hint=hint) from error.with_traceback(None)


class LongObject(dict[str, Any]):
    """A JSON object and, while it is entered as a context, the long text that it was parsed from.

    To search the text takes a fifth of the time of visiting each value.

    Args:
        value: What the text was parsed to.
        text: The text.
    """

    def __init__(self, value: Mapping[str, Any], text: bytes) -> None:
        super().__init__(value)
        self._text = text
        self._is_opaque = True

    def __enter__(self) -> LongObject:
        self._is_opaque = _is_opaque(self._text)
        return self

    def __exit__(self, *_: object) -> None:
        self._text = b""
        self._is_opaque = True

    def may_hold_character(self, name: str, character: str) -> bool:
        """Return whether there may be a character in the value of this name.

        Args:
            name: The name.
            character: A slash; or a quote, which is around each string.

        Returns:
            False if there is certainly none: the text has no more of them than all other values.
        """
        if self._is_opaque:
            return True
        others = json.dumps({**self, name: None}).count(character)
        if others > _MAX_OTHERS:
            return True
        sought = character.encode()
        position = -1
        for _ in range(others):
            position = self._text.find(sought, position + 1)
        return self._text.find(sought, position + 1) >= 0

    def may_hold(self, name: str, beginnings: tuple[str, ...]) -> bool:
        """Return whether a string in the value of this name may begin in one of these ways.

        Args:
            name: The name.
            beginnings: Letters, digits and colons.

        Returns:
            False if there is certainly none. The text is searched for a quote with a beginning
            behind it, which may also be in the midst of a string, or a name. If there are as many
            as strings with such a beginning in all other values, there is none in this one.
        """
        if self._is_opaque:
            return True
        found = sum(self._text.count(f'"{beginning}'.encode()) for beginning in beginnings)
        others = [value for key, value in self.items() if key != name]
        return found != sum(string.startswith(beginnings) for string in strings_in(others))


def _is_opaque(text: bytes) -> bool:
    """Return whether letters, slashes and quotes may be written in a text in another way."""
    is_utf8 = text[:1] == b"{" and b"\0" not in text[:4]
    # The first search is much quicker than the second.
    has_escapes = b"\\" in text and b"\\u00" in text
    return not is_utf8 or has_escapes


def strings_in(value: object) -> Iterator[str]:
    """Yield the strings in a JSON value, in their order, without the names of objects."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


def name_unserializable(value: object) -> str:
    """Return the words for that part of an input which JSON cannot express."""
    return _describe_path(_find_unserializable(value)[0][:1], "input")


def _find_unserializable(value: object) -> tuple[list[str], object]:
    """Return the keys that lead to what JSON cannot express, and that value."""
    path: list[str] = []
    for _ in range(_MAX_DEPTH):
        items: Iterable[tuple[object, object]] = ()
        if isinstance(value, Mapping):
            items = value.items()
        elif isinstance(value, list | tuple):
            items = zip(repeat(None), value)  # an index is not a name
        for key, item in items:
            if not _is_serializable(item):
                if key is not None:
                    path.append(str(key))
                value = item
                break
        else:
            return path, value
    return path[:1], value  # nested too deep, or in itself


def _describe_path(path: list[str], label: str) -> str:
    if path:
        return f"The {label} {'.'.join(path)!r}"
    return f"The {label}"


def _is_serializable(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
