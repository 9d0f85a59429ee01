"""An output as its event stream has it, and what of it comes behind a text.

The items of a list are one event each: a string as it is, and anything else as JSON. How that JSON
is written (blanks, the order of keys, escapes) differs between a stream and a poll, so that values
are compared, and not their spelling.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from ..exceptions import UnexpectedDataError

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"\s*")


class Rest(NamedTuple):
    """What an output has behind a text."""

    #: The text behind it, or None where the output does not begin with that text.
    new: str | None
    #: Whether the text begins with all of the output, and goes on.
    is_behind: bool = False


def text_of_output(output: object) -> str:
    """Return an output as its event stream has it; "" where there is none.

    Raises:
        UnexpectedDataError: It is nested too deeply.
    """
    return "".join(map(_spell, _items_of(output)))


def rest_of_output(text: str, output: object) -> Rest:
    """Return what an output has behind a text.

    Args:
        text: What a stream has brought.
        output: The output, as parsed from JSON.

    Raises:
        UnexpectedDataError: It is nested too deeply.
    """
    whole = text_of_output(output)
    rest = _compare(text, whole)
    if rest is None and "\r" in whole:
        # An event stream cannot carry a carriage return.
        rest = _compare(text, whole.replace("\r\n", "\n"))
    if rest is None:
        rest = _compare_values(text, _items_of(output))
    return rest


def _compare(text: str, whole: str) -> Rest | None:
    if whole.startswith(text):
        return Rest(whole[len(text) :])
    if text.startswith(whole):
        return Rest(None, is_behind=True)
    return None


def _compare_values(text: str, items: list[object]) -> Rest:
    position = 0
    for number, item in enumerate(items):
        if position == len(text):
            return Rest("".join(map(_spell, items[number:])))
        if isinstance(item, str):
            if not text.startswith(item, position):
                return _compare_end(text[position:], items[number:])
            position += len(item)
        else:
            value, end = _parse_at(text, position)
            if end == position or not _is_same(value, item):
                return _compare_end(text[position:], items[number:])
            position = end
    if text[position:].strip():
        return Rest(None, is_behind=True)
    return Rest("")


def _compare_end(text: str, items: list[object]) -> Rest:
    """Return what the last items have behind a text that may end within the first of them."""
    whole = "".join(map(_spell, items))
    if whole.startswith(text):
        return Rest(whole[len(text) :])
    return Rest(None)


def _parse_at(text: str, position: int) -> tuple[object, int]:
    """Return the JSON value that begins in a text, and its end; that is `position` for none."""
    start = position
    blanks = _BLANKS.match(text, position)
    if blanks is not None:
        start = blanks.end()
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, position


def _is_same(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:
        return False


def _items_of(output: object) -> list[object]:
    if output is None:
        return []
    if isinstance(output, list):
        return output
    return [output]


def _spell(item: object) -> str:
    if isinstance(item, str):
        return item
    try:
        return json.dumps(item)
    except RecursionError as error:
        raise UnexpectedDataError("an output that is text", "it is nested too deeply") from error
