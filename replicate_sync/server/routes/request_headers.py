"""The two request headers that shape a prediction: `Prefer` and `Cancel-After`."""

from __future__ import annotations

import re
from typing import NamedTuple

from .problems import Refusal

_WAIT = re.compile(r"(?:^|[,;\s])wait(?:=(\d+))?(?=$|[,;\s])")
_SPAN = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


class Wait(NamedTuple):
    """How long to hold an answer, and what to say of it in `Preference-Applied`."""

    seconds: int
    applied: str


def wait(prefer: str | None) -> Wait | None:
    """Read `Prefer: wait[=n]`: 60 seconds unless told, at most 60; None where it asks for no wait."""
    found = _WAIT.search(prefer or "")
    if not found or (found[1] and int(found[1]) < 1):
        return None
    seconds = min(int(found[1] or 60), 60)
    return Wait(seconds, f"wait={seconds}" if found[1] else "wait")


def cancel_after(text: str | None) -> int | None:
    """Read `Cancel-After` (`30`, `30s`, `5m`, `1h30m45s`) as seconds; refuses under 5 s and over 24 h."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not 5 <= total <= 24 * 3600:
        detail = "Cancel-After must be a duration between 5 seconds and 24 hours, such as 30s, 5m or 1h30m45s"
        raise Refusal(422, detail, "Invalid Cancel-After header")
    return total
