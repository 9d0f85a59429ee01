"""Outputs: text stays text, files become `FileOutput`, anything else stays the JSON value.

The model's schema decides, and never the look of a string alone: a language model may well respond
with a link. See https://replicate.com/docs/topics/predictions/output-files

An output may be large, such as 20 MB of embeddings. `needs_schema` therefore looks at all values of
one depth at once, and an output that needs no parsing is returned as it is, without a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from operator import is_not
from typing import Any, TypeAlias, cast

from ..http.config import origin
from .file_output import FileDownloader, FileOutput
from .schemas import ModelSchema, OutputSchema

_FILE_PREFIXES = ("https://", "http://", "data:")
# The letters that a file can begin with: most strings are ruled out by their first one.
_FIRST_LETTERS = frozenset(prefix[0] for prefix in _FILE_PREFIXES)
_FILE_HOST = "replicate.delivery"
_MAX_EXAMINED = 4096  # characters of a URL in which whitespace is looked for
_SCALARS = frozenset({int, float, bool, type(None)})
_Origin: TypeAlias = tuple[str, str, int]  # scheme, host and port of a URL


def needs_schema(value: object) -> bool:
    """Return whether only the schema can decide what an output is.

    Args:
        value: The output, as parsed from JSON.

    Returns:
        Whether there is a string in it that may be a file, or a list with strings in it that may be
        the pieces of one text. If not, `parse_output` would return the output as it is.
    """
    if isinstance(value, str):
        return _may_be_file(value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return True  # the pieces of a text, most often
    level = _Level()
    level.add(value)
    while level.lists or level.dicts:
        deeper = _Level()
        if _has_strings(level.lists, deeper) or _has_files(level.dicts, deeper):
            return True
        level = deeper
    return False


def parse_output(
    value: object, schema: ModelSchema, downloader: FileDownloader, api_url: str
) -> object:
    """Return an output as its caller gets it.

    Args:
        value: The output, as parsed from JSON.
        schema: The schema of the model's version. Where it does not say what a value is, the value
            is a file only if the whole of it is a data URI, or a URL on Replicate's file hosts or
            on the API's own origin.
        downloader: Fetches the files.
        api_url: The base URL of the API.

    Returns:
        A str, a `FileOutput`, or the JSON value with files in it as `FileOutput`. Lists and dicts
        that have no file or text in them are the very same objects.
    """
    return _OutputParser(downloader, api_url).parse(value, schema.output)


def file_urls(value: object, api_url: str) -> list[str]:
    """Return the URLs in an output that are files whatever the schema says.

    Args:
        value: The output, as parsed from JSON.
        api_url: The base URL of the API.
    """
    if not needs_schema(value):
        return []
    return list(_iterate_file_urls(value, origin(api_url)))


def first_file(value: object) -> str | None:
    """Return the URL of the first file in a string or a list of strings, or None."""
    if isinstance(value, list):
        items = value
    else:
        items = [value]
    for item in items:
        if isinstance(item, str) and _may_be_file(item):
            return item
    return None


class _OutputParser:
    """Parses one output.

    Args:
        downloader: Fetches the files.
        api_url: The base URL of the API.
    """

    def __init__(self, downloader: FileDownloader, api_url: str) -> None:
        self._downloader = downloader
        self._api_origin = origin(api_url)
        self._numbers = count()

    def parse(self, value: object, schema: OutputSchema) -> object:
        """Return a value as its caller gets it; the very same object where nothing changes."""
        if isinstance(value, str):
            return self._parse_string(value, schema)
        if isinstance(value, list):
            return self._parse_list(value, schema)
        if isinstance(value, dict):
            return self._parse_dict(value, schema)
        return value

    def _parse_string(self, text: str, schema: OutputSchema) -> str | FileOutput:
        if schema.is_file:
            is_file = _may_be_file(text)
        else:
            is_file = not schema.type and _is_on_file_host(text, self._api_origin)
        if not is_file:
            return text
        # A small file may come as a data URI, which has no name; Replicate names its files so.
        return FileOutput(text, self._downloader, f"out-{next(self._numbers)}")

    def _parse_list(self, items: list[object], schema: OutputSchema) -> object:
        if schema.is_text:
            return "".join([item for item in items if isinstance(item, str)])
        types = set(map(type, items))
        if types <= _SCALARS:
            return items
        if types == {str} and not schema.type:
            pieces = cast(list[str], items)
            if self._is_text(pieces):
                return "".join(pieces)
        item_schema = schema.items
        parsed = []
        for item in items:  # no comprehension, which would double the depth of the call stack
            parsed.append(self.parse(item, item_schema))
        if any(map(is_not, parsed, items)):
            return parsed
        return items

    def _parse_dict(self, items: dict[str, object], schema: OutputSchema) -> dict[str, object]:
        changed: dict[str, object] = {}
        for name, item in items.items():
            if type(item) in _SCALARS:
                continue
            if isinstance(item, str) and item[:1] not in _FIRST_LETTERS:
                continue
            parsed = self.parse(item, schema.property(name))
            if parsed is not item:
                changed[name] = parsed
        if changed:
            return {**items, **changed}
        return items

    def _is_text(self, pieces: list[str]) -> bool:
        """Return whether strings without a schema are the pieces of one text.

        They are if some begin or end with whitespace, or are empty, and not all of them are files.
        """
        if all(_is_on_file_host(piece, self._api_origin) for piece in pieces):
            return False
        return any(piece != piece.strip() or not piece for piece in pieces)


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


def _has_strings(lists: list[list[object]], deeper: _Level) -> bool:
    """Return whether lists have strings in them. The lists and dicts in them are added to `deeper`.

    The loops are those of `chain`, `map` and comprehensions, as there may be millions of items.
    """
    if _are_numeric(lists):
        return False
    types = set(map(type, chain.from_iterable(lists)))
    if list in types:
        deeper.lists += [item for item in chain.from_iterable(lists) if type(item) is list]
    if dict in types:
        deeper.dicts += [item for item in chain.from_iterable(lists) if type(item) is dict]
    return str in types


def _has_files(dicts: Iterable[dict[str, Any]], deeper: _Level) -> bool:
    """Return whether a string in dicts may be a file; what is deeper is added to `deeper`."""
    add_list = deeper.lists.append
    add_dict = deeper.dicts.append
    for item in chain.from_iterable(map(dict.values, dicts)):
        kind = type(item)
        if kind is str:
            if item[:1] in _FIRST_LETTERS and _may_be_file(item):
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


def _iterate_file_urls(value: object, api_origin: _Origin | None) -> Iterator[str]:
    if isinstance(value, str):
        if _is_on_file_host(value, api_origin):
            yield value
        return
    items: Iterable[object] = ()
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list):
        items = value
    for item in items:
        yield from _iterate_file_urls(item, api_origin)


def _may_be_file(text: str) -> bool:
    """Return whether the whole of a text looks like the URL of a file, or like a data URI."""
    if not text.startswith(_FILE_PREFIXES):
        return False
    return not any(map(str.isspace, text[:_MAX_EXAMINED]))


def _is_on_file_host(text: str, api_origin: _Origin | None) -> bool:
    """Return whether the whole of a text is a data URI, or a URL on a host of Replicate's files."""
    if not _may_be_file(text):
        return False
    if text.startswith("data:"):
        return "," in text
    url_origin = origin(text)
    if url_origin is None:
        return False
    _, host, _ = url_origin
    is_delivery = host == _FILE_HOST or host.endswith(f".{_FILE_HOST}")
    return is_delivery or url_origin == api_origin
