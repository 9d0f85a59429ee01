"""Lists in pages, with cursors of the kind that Django REST Framework makes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

from . import times
from .problems import Refusal

T = TypeVar("T")


def page(
    items: Sequence[T],
    moment: Callable[[T], datetime],
    show: Callable[[T], Any],
    size: int,
    base: str,
    query: dict[str, str],
) -> dict[str, Any]:
    """Give one page of `items`, which come newest first and have a moment of their own each.

    `base` and `query` are the request's; the links keep every parameter, and change only `cursor`.
    """
    position, back = _read(query["cursor"]) if query.get("cursor") else (None, False)
    older = [item for item in items if position is None or moment(item) < position]
    newer = [item for item in items if position is not None and moment(item) > position]
    shown = newer[-size:] if back else older[:size]

    def link(item: T, reverse: bool) -> str:
        return f"{base}?{urlencode(query | {'cursor': _write(moment(item), reverse)})}"

    more = bool(shown) and moment(items[-1]) < moment(shown[-1])
    before = bool(shown) and moment(items[0]) > moment(shown[0])
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
        return times.read(fields["p"][0]), fields.get("r") == ["1"]
    except (ValueError, KeyError):
        refusal = Refusal(404, "Invalid cursor")
        refusal.body = {"detail": "Invalid cursor"}
        raise refusal from None
