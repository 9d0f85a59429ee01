"""Timestamps as the API writes and accepts them: RFC 3339, in UTC, ending in `Z`."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(?:[Zz]|([+ -]\d\d):?(\d\d))?)?"
)
_last_unique_lock = threading.Lock()
_last_unique = datetime.min.replace(tzinfo=timezone.utc)


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(timezone.utc)


def unique_now() -> datetime:
    """Return the current time, but at least a microsecond later than any earlier result.

    Lists are cut into pages at these timestamps, so no two items may share one.
    """
    global _last_unique
    with _last_unique_lock:
        _last_unique = max(now(), _last_unique + timedelta(microseconds=1))
        return _last_unique


def serialize(time: datetime | None) -> str | None:
    """Return a timestamp with all six digits of its microseconds.

    Args:
        time: A time with a zone; None stays None.
    """
    if time is None:
        return None
    text = time.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return f"{text.removesuffix('+00:00')}Z"


def serialize_trimmed(time: datetime | None) -> str | None:
    """Return a timestamp without the zeros at the end of its microseconds.

    Args:
        time: A time with a zone; None stays None.
    """
    full = serialize(time)
    if full is None:
        return None
    return f"{full[:-1].rstrip('0').rstrip('.')}Z"


def parse(text: str) -> datetime:
    """Return the time that a text names.

    Args:
        text: An ISO 8601 date, or date and time; without a zone it is in UTC.

    Raises:
        ValueError: The text is anything else.
    """
    match = _RFC3339.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not an ISO 8601 date or time")
    try:
        return _from_match(match)
    except OverflowError:
        raise ValueError(f"{text!r} is outside the calendar") from None


def _from_match(match: re.Match[str]) -> datetime:
    day, clock, fraction, offset_hours, offset_minutes = match.groups()
    clock = f"{clock or '00:00'}:00"[:8]
    time = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=timezone.utc)
    time += timedelta(microseconds=int(f"{fraction or ''}000000"[:6]))
    if offset_hours:
        offset = timedelta(hours=int(offset_hours[1:]), minutes=int(offset_minutes))
        if offset_hours[0] == "-":
            return time + offset
        # In a query string an unescaped plus arrives as a space.
        return time - offset
    return time
