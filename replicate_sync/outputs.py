"""A model's output on its way in: text stays text, files become `FileOutput`, anything else stays the JSON value.

The model's schema decides, never the look of a string alone: a language model may well answer with a link.
https://replicate.com/docs/topics/predictions/output-files
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

from .files import Download, FileOutput
from .schemas import resolved
from .settings import origin


def could_be_either(value: Any) -> bool:
    """Whether only the schema can tell what a value is: one with a string in it that looks like a file, or strings only."""
    if isinstance(value, str):
        return _looks_like_file(value)
    if isinstance(value, dict):
        return any(could_be_either(item) for item in value.values())
    return isinstance(value, list) and any(isinstance(item, str) or could_be_either(item) for item in value)


def may_be_text(value: Any) -> bool:
    """Whether a value is a string, or a list with strings in it, which may be the pieces of one text."""
    return isinstance(value, str) or (isinstance(value, list) and str in set(map(type, value)))


def result(
    value: Any,
    schemas: Mapping[str, Any] | None,
    download: Download,
    api: str,
    fetch: Callable[[str], bytes] | None = None,
) -> Any:
    """Give what a person is handed for an output: str, FileOutput, a list of them, or the JSON value with files inside.

    `schemas`: the model's `components.schemas`. Where they do not tell, a value is a file only where the whole of it is a
    data URI, or a URL on Replicate's file hosts or the API's own origin.
    """

    places = count()

    def made(value: Any, schema: Mapping[str, Any]) -> Any:
        schema = resolved(schema, schemas or {})
        kind = schema.get("type")
        if isinstance(value, str):
            is_file = schema.get("format") == "uri" and _looks_like_file(value)
            if is_file or (not kind and _on_file_host(value, api)):
                # A small file may come as a data URI, which has no name; Replicate calls its files so.
                return FileOutput(value, download, f"out-{next(places)}", fetch)
            return value
        if isinstance(value, list):
            if schema.get("x-cog-array-display") == "concatenate" or (not kind and _is_text(value, api)):
                return "".join(item for item in value if isinstance(item, str))
            items = schema.get("items")
            return [made(item, items if isinstance(items, Mapping) else {}) for item in value]
        if isinstance(value, dict):
            known = schema.get("properties")
            known = known if isinstance(known, Mapping) else {}
            return {name: made(item, known.get(name) or {}) for name, item in value.items()}
        return value

    return made(value, (schemas or {}).get("Output") or {})


def _is_text(pieces: list[Any], api: str) -> bool:
    """Whether strings of which no schema tells are the pieces of one text: some begin or end with a blank."""
    if not pieces or not all(isinstance(piece, str) for piece in pieces) or all(_on_file_host(p, api) for p in pieces):
        return False
    return any(piece != piece.strip() or not piece for piece in pieces)


def file_urls(value: Any, api: str) -> list[str]:
    """Give the URLs in an output that are surely files, as far as no schema is needed to tell."""
    if isinstance(value, str):
        return [value] if _on_file_host(value, api) else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [url for item in items for url in file_urls(item, api)]


def first_file(value: Any) -> str | None:
    """Give the URL of an output's first file, or None where it has none."""
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return next((item for item in items if isinstance(item, str) and _looks_like_file(item)), None)


def _looks_like_file(text: str) -> bool:
    return text.startswith(("https://", "http://", "data:")) and not any(c.isspace() for c in text[:4096])


def _on_file_host(text: str, api: str) -> bool:
    if not _looks_like_file(text):
        return False
    if text.startswith("data:"):
        return "," in text
    home = origin(text)
    if home is None:
        return False
    host = home[1]
    return host == "replicate.delivery" or host.endswith(".replicate.delivery") or home == origin(api)
