"""Outputs: text stays text, files become `FileOutput`, anything else stays the JSON value.

The model's schema decides, and never the look of a string alone: a language model may well respond
with a link. See https://replicate.com/docs/topics/predictions/output-files

Only an output as a whole can be text in pieces. Inside of a list or an object nothing changes but
the addresses of files.

An output may be large, such as 20 MB of embeddings, or deep. `needs_schema` therefore looks at all
values of one depth at once, an output that needs no parsing is returned as it is, without a copy,
and no function calls itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any, NamedTuple, TypeAlias, cast

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
        Whether it is a list with strings in it, which may be the pieces of one text, or there is a
        string in it that may be a file. If not, `parse_output` would return the output as it is.
    """
    if isinstance(value, str):
        return _may_be_file(value)
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
        that have no file in them are the very same objects.
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
    api_origin = origin(api_url)
    return [text for text in _strings_in(value) if _is_on_file_host(text, api_origin)]


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


class _Container(NamedTuple):
    """A list or dict in an output."""

    value: list[object] | dict[str, object]
    schema: OutputSchema
    #: What it is in, and where; None for the output itself.
    parent: _Container | None
    key: Any
    #: The items that are not what they were, by index or name.
    changes: dict[Any, object]

    def items(self) -> Iterator[tuple[Any, object, OutputSchema]]:
        """Yield the index or name of each item that may change, the item, and its schema."""
        if isinstance(self.value, list):
            if set(map(type, self.value)) <= _SCALARS:
                return
            schema = self.schema.items
            for index, item in enumerate(self.value):
                yield index, item, schema
            return
        for name, item in self.value.items():
            if type(item) in _SCALARS:
                continue
            if isinstance(item, str) and item[:1] not in _FIRST_LETTERS:
                continue
            yield name, item, self.schema.property(name)

    def changed(self) -> list[object] | dict[str, object]:
        """Return a copy with the items that are not what they were."""
        if isinstance(self.value, dict):
            return {**self.value, **self.changes}
        copy = self.value.copy()
        for index, item in self.changes.items():
            copy[index] = item
        return copy


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
        """Return an output as its caller gets it; the very same object where nothing changes."""
        if isinstance(value, str):
            return self._parse_string(value, schema)
        if isinstance(value, list) and self._is_text(value, schema):
            return "".join([item for item in value if isinstance(item, str)])
        if isinstance(value, list | dict):
            return self._parse_container(value, schema)
        return value

    def _parse_string(self, text: str, schema: OutputSchema) -> str | FileOutput:
        if schema.is_file:
            is_file = _may_be_file(text)
        else:
            is_file = schema.is_unknown and _is_on_file_host(text, self._api_origin)
        if not is_file:
            return text
        # A small file may come as a data URI, which has no name; Replicate names its files so.
        return FileOutput(text, self._downloader, f"out-{next(self._numbers)}")

    def _parse_container(
        self, value: list[object] | dict[str, object], schema: OutputSchema
    ) -> object:
        """Return a list or dict with files for their addresses, however deep they are."""
        outermost = _Container(value, schema, None, None, {})
        entered = [(outermost, outermost.items())]
        while entered:
            container, items = entered[-1]
            for key, item, item_schema in items:
                if isinstance(item, str):
                    parsed = self._parse_string(item, item_schema)
                    if parsed is not item:
                        container.changes[key] = parsed
                elif isinstance(item, list | dict):
                    inner = _Container(item, item_schema, container, key, {})
                    entered.append((inner, inner.items()))
                    break
            else:
                entered.pop()
                if container.changes and container.parent is not None:
                    container.parent.changes[container.key] = container.changed()
        if outermost.changes:
            return outermost.changed()
        return value

    def _is_text(self, items: list[object], schema: OutputSchema) -> bool:
        """Return whether a list is one text in pieces.

        Without a schema it is if it has nothing but strings, some begin or end with whitespace, or
        are empty, and not all of them are files.
        """
        if schema.is_text:
            return True
        if schema.type or set(map(type, items)) != {str}:
            return False
        pieces = cast(list[str], items)
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
        _may_be_file(item)
        for item in chain.from_iterable(lists)
        if type(item) is str and item[:1] in _FIRST_LETTERS
    )


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


def _strings_in(value: object) -> Iterator[str]:
    """Yield the strings in an output, in their order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


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
