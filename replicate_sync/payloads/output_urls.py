"""Which strings in an output may be files, and which are: their addresses alone tell so much.

An output may be large, such as 20 MB of embeddings, or deep. `needs_schema` therefore looks at all
values of one depth at once, and no function calls itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from ..http.config import origin
from ..http.json import LongObject, strings_in

_DATA_URI = "data:"
_FILE_PREFIXES = ("https://", "http://", _DATA_URI)
#: The letters that a file can begin with: most strings are ruled out by their first one.
FIRST_LETTERS: frozenset[str] = frozenset(prefix[0] for prefix in _FILE_PREFIXES)
# Without the slashes, which JSON may write as an escape.
_FILE_BEGINNINGS: tuple[str, ...] = ("http", _DATA_URI)
_FILE_HOST = "replicate.delivery"
_MAX_EXAMINED = 4096  # characters of a URL in which whitespace is looked for
_Origin = tuple[str, str, int]  # scheme, host and port of a URL


def needs_schema(value: object) -> bool:
    """Return whether only the schema can decide what an output is.

    Args:
        value: The output, as parsed from JSON.

    Returns:
        Whether it is a list with strings in it, which may be the pieces of one text, or there is a
        string in it that may be a file. If not, `parse_output` would return the output as it is.
    """
    if isinstance(value, str):
        return may_be_file(value)
    if isinstance(value, list) and str in set(map(type, value)):
        return True
    level = _Level()
    level.add(value)
    while level.lists or level.dicts:
        deeper = _Level()
        if _has_files_in_lists(level.lists, deeper) or _has_files(level.dicts, deeper):
            return True
        level = deeper
    return False


def plain_output(response: LongObject) -> list[object] | dict[str, object] | None:
    """Return the output in a response, or None unless its text shows that it needs no schema."""
    output = response.get("output")
    if not isinstance(output, list | dict):
        return None
    if not response.may_hold_character("output", '"'):
        return output
    if isinstance(output, list) and str in set(map(type, output)):
        return None
    beginnings = _FILE_BEGINNINGS
    if not response.may_hold_character("output", "/"):
        beginnings = (_DATA_URI,)  # to search for a slash takes a sixth of the time
    if response.may_hold("output", beginnings):
        return None
    return output


def file_urls(value: object, api_url: str) -> list[str]:
    """Return the URLs in an output that are files whatever the schema says.

    Args:
        value: The output, as parsed from JSON.
        api_url: The base URL of the API.
    """
    if not needs_schema(value):
        return []
    api_origin = origin(api_url)
    return [text for text in strings_in(value) if is_on_file_host(text, api_origin)]


def first_file(value: object) -> str | None:
    """Return the URL of the first file in a string or a list of strings, or None."""
    if isinstance(value, list):
        items = value
    else:
        items = [value]
    for item in items:
        if isinstance(item, str) and may_be_file(item):
            return item
    return None


class _Level:
    """The lists and dicts at one depth of an output."""

    def __init__(self) -> None:
        self.lists: list[list[object]] = []
        self.dicts: list[dict[str, object]] = []

    def add(self, value: object) -> None:
        """Add a value, if it is a list or dict."""
        if isinstance(value, list):
            self.lists.append(value)
        elif isinstance(value, dict):
            self.dicts.append(value)


def _has_files_in_lists(lists: list[list[object]], deeper: _Level) -> bool:
    """Return whether a string in lists may be a file; what is deeper is added to `deeper`.

    The loops are those of `chain`, `map` and comprehensions, as there may be millions of items.
    """
    if _are_numeric(lists):
        return False
    types = set(map(type, chain.from_iterable(lists)))
    if list in types:
        deeper.lists += [item for item in chain.from_iterable(lists) if type(item) is list]
    if dict in types:
        deeper.dicts += [item for item in chain.from_iterable(lists) if type(item) is dict]
    return str in types and any(
        may_be_file(item)
        for item in chain.from_iterable(lists)
        if type(item) is str and item[:1] in FIRST_LETTERS
    )


def _has_files(dicts: Iterable[dict[str, Any]], deeper: _Level) -> bool:
    """Return whether a string in dicts may be a file; what is deeper is added to `deeper`."""
    add_list = deeper.lists.append
    add_dict = deeper.dicts.append
    for item in chain.from_iterable(map(dict.values, dicts)):
        kind = type(item)
        if kind is str:
            if item[:1] in FIRST_LETTERS and may_be_file(item):
                return True
        elif kind is list:
            add_list(item)
        elif kind is dict:
            add_dict(item)
    return False


def _are_numeric(lists: Iterable[Any]) -> bool:
    """Return whether lists contain numbers and nothing else, or False where that is not known.

    Of the values that JSON is parsed to, only numbers can be added up. It is the quickest way to
    learn that there is nothing else among them.
    """
    try:
        sum(map(sum, lists))
    except (TypeError, OverflowError):
        return False
    return True


def may_be_file(text: str) -> bool:
    """Return whether the whole of a text looks like the URL of a file, or like a data URI."""
    if not text.startswith(_FILE_PREFIXES):
        return False
    return not any(map(str.isspace, text[:_MAX_EXAMINED]))


def is_on_file_host(text: str, api_origin: _Origin | None) -> bool:
    """Return whether the whole of a text is a data URI, or a URL on a host of Replicate's files."""
    if not may_be_file(text):
        return False
    if text.startswith("data:"):
        return "," in text
    url_origin = origin(text)
    if url_origin is None:
        return False
    _, host, _ = url_origin
    is_delivery = host == _FILE_HOST or host.endswith(f".{_FILE_HOST}")
    return is_delivery or url_origin == api_origin
