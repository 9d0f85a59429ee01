"""Lists in pages, with cursors of the kind that Django REST Framework makes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlencode

from .. import timestamps
from ..json_types import JSONObject
from . import problems
from .current_request import request

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """What is listed.

    Attributes:
        items: Newest first, or with `ascending`, oldest first.
        timestamp: Returns the time of an item; no two have the same.
        serialize: Returns the JSON of an item.
        page_size: How many items a page has.
        ascending: Whether the oldest item is the first.
    """

    items: Sequence[T]
    timestamp: Callable[[T], datetime]
    serialize: Callable[[T], JSONObject]
    page_size: int
    ascending: bool = False


def unpaged(results: Sequence[JSONObject]) -> JSONObject:
    """Return a list that has one page."""
    return {"next": None, "previous": None, "results": results}


def current_page(listing: Listing[T]) -> JSONObject:
    """Return the page of a list that the current request names.

    The links keep the request's URL and parameters, and change only `cursor`.

    Raises:
        APIError: The cursor is invalid.
    """
    position: datetime | None = None
    backwards = False
    cursor = request.args.get("cursor")
    if cursor:
        position, backwards = _parse_cursor(cursor)
    items = listing.items
    before: Sequence[T] = []
    after = items
    if position is not None:
        before, after = _split(listing, position)
    shown = after[: listing.page_size]
    if backwards:
        shown = before[-listing.page_size :]

    def link(item: T, reverse: bool) -> str:
        query = request.args.to_dict()
        query["cursor"] = _serialize_cursor(listing.timestamp(item), reverse)
        return f"{request.base_url}?{urlencode(query)}"

    page = unpaged([listing.serialize(item) for item in shown])
    if shown and listing.timestamp(items[-1]) != listing.timestamp(shown[-1]):
        page["next"] = link(shown[-1], False)
    if shown and listing.timestamp(items[0]) != listing.timestamp(shown[0]):
        page["previous"] = link(shown[0], True)
    return page


def _split(listing: Listing[T], position: datetime) -> tuple[list[T], list[T]]:
    """Return the items before a position in the list, and those after it."""
    older = [item for item in listing.items if listing.timestamp(item) < position]
    newer = [item for item in listing.items if listing.timestamp(item) > position]
    if listing.ascending:
        return older, newer
    return newer, older


def _serialize_cursor(position: datetime, reverse: bool) -> str:
    fields = {"p": position.isoformat(sep=" ")}
    if reverse:
        fields = {"r": "1"} | fields
    return base64.b64encode(urlencode(fields).encode()).decode()


def _parse_cursor(cursor: str) -> tuple[datetime, bool]:
    try:
        fields = parse_qs(base64.b64decode(cursor.encode(), validate=True).decode())
        return timestamps.parse(fields["p"][0]), fields.get("r") == ["1"]
    except (ValueError, KeyError):
        raise problems.detail_only(404, "Invalid cursor") from None
