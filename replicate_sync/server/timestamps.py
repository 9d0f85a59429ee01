"""Instants as the API writes and reads them: RFC 3339, UTC, `Z`."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta, timezone

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(?:[Zz]|([+ -]\d\d):?(\d\d))?)?")
_ticking = threading.Lock()
_last = datetime.min.replace(tzinfo=timezone.utc)


def now() -> datetime:
    """Give this moment, in UTC."""
    return datetime.now(timezone.utc)


def tick() -> datetime:
    """Give this moment, or where it was given before, one just behind it: lists are cut into pages by it."""
    global _last
    with _ticking:
        _last = max(now(), _last + timedelta(microseconds=1))
        return _last


def trimmed(moment: datetime | None) -> str | None:
    """Write a moment with as many digits as it needs."""
    full = written(moment)
    return re.sub(r"\.?0*Z$", "Z", full) if full else None


def written(moment: datetime | None) -> str | None:
    """Write a moment with all of its microseconds."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def read(text: str) -> datetime:
    """Read an ISO 8601 date or moment, without a zone taken as UTC; raises ValueError for anything else."""
    found = _RFC3339.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an ISO 8601 moment")
    day, clock, fraction, hours, minutes = found.groups()
    clock = f"{clock or '00:00'}:00"[:8]
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=timezone.utc)
    moment += timedelta(microseconds=int(f"{fraction or ''}000000"[:6]))
    if hours:
        # In a query string an unescaped plus arrives as a space.
        sign = -1 if hours[0] == "-" else 1
        moment -= sign * timedelta(hours=int(hours[1:]), minutes=int(minutes))
    return moment
