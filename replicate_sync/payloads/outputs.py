"""Outputs: text stays text, files become `FileOutput`, anything else stays the JSON value.

The model's schema decides, and never the look of a string alone: a language model may well respond
with a link. See https://replicate.com/docs/topics/predictions/output-files

Only an output as a whole can be text in pieces. Inside of a list or an object nothing changes but
the addresses of files.

An output that needs no parsing is returned as it is, without a copy; `output_urls` tells which. As
one may be deep, no function calls itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

from ..http.config import origin
from .file_output import FileDownloader, FileOutput
from .output_urls import FIRST_LETTERS, is_on_file_host, may_be_file
from .schemas import ModelSchema, OutputSchema

_SCALARS = frozenset({int, float, bool, type(None)})


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


class _Container:
    """A list or dict in an output.

    Args:
        value: The list or dict.
        schema: What is known of it.
        parent: What it is in; None for the output itself.
        key: Where it is in that.
    """

    def __init__(
        self,
        value: list[object] | dict[str, object],
        schema: OutputSchema,
        parent: _Container | None = None,
        key: Any = None,
    ) -> None:
        self.value = value
        self.schema = schema
        self.parent = parent
        self.key = key
        #: The items that are not what they were, by index or name.
        self.changes: dict[Any, object] = {}

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
            if isinstance(item, str) and item[:1] not in FIRST_LETTERS:
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
            is_file = may_be_file(text)
        else:
            is_file = schema.is_unknown and is_on_file_host(text, self._api_origin)
        if not is_file:
            return text
        # A small file may come as a data URI, which has no name; Replicate names its files so.
        return FileOutput(text, self._downloader, f"out-{next(self._numbers)}")

    def _parse_container(
        self, value: list[object] | dict[str, object], schema: OutputSchema
    ) -> object:
        """Return a list or dict with files for their addresses, however deep they are."""
        outermost = _Container(value, schema)
        entered = [(outermost, outermost.items())]
        while entered:
            container, items = entered[-1]
            for key, item, item_schema in items:
                if isinstance(item, str):
                    parsed = self._parse_string(item, item_schema)
                    if parsed is not item:
                        container.changes[key] = parsed
                elif isinstance(item, list | dict):
                    inner = _Container(item, item_schema, container, key)
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
        if all(is_on_file_host(piece, self._api_origin) for piece in pieces):
            return False
        return any(piece != piece.strip() or not piece for piece in pieces)
