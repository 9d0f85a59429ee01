"""Lists in pages, with cursors of the kind that Django REST Framework makes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

from .. import timestamps
from . import problems

T = TypeVar("T")


def page(
    items: Sequence[T],
    moment: Callable[[T], datetime],
    show: Callable[[T], Any],
    size: int,
    base: str,
    query: dict[str, str],
    rising: bool = False,
) -> dict[str, Any]:
    """Give one page of `items`, which come newest first, or where they are `rising`, oldest first.

    Each has a moment of its own.

    `base` and `query` are the request's; the links keep every parameter, and change only `cursor`.
    """
    position, back = _read(query["cursor"]) if query.get("cursor") else (None, False)
    lower = [item for item in items if position is None or moment(item) < position]
    higher = [item for item in items if position is None or moment(item) > position]
    ahead, behind = (higher, lower) if rising else (lower, higher)
    shown = behind[-size:] if back else ahead[:size]

    def link(item: T, reverse: bool) -> str:
        return f"{base}?{urlencode(query | {'cursor': _write(moment(item), reverse)})}"

    more = bool(shown) and moment(items[-1]) != moment(shown[-1])
    before = bool(shown) and moment(items[0]) != moment(shown[0])
    return {
        "next": link(shown[-1], False) if more else None,
        "previous": link(shown[0], True) if before else None,
        "results": [show(item) for item in shown],
    }


def _write(moment: datetime, reverse: bool) -> str:
    fields = ({"r": "1"} if reverse else {}) | {"p": moment.isoformat(sep=" ")}
    return base64.b64encode(urlencode(fields).encode()).decode()


def _read(cursor: str) -> tuple[datetime, bool]:
    try:
        fields = parse_qs(base64.b64decode(cursor.encode(), validate=True).decode())
        return timestamps.read(fields["p"][0]), fields.get("r") == ["1"]
    except (ValueError, KeyError):
        raise problems.bare(404, "Invalid cursor") from None
