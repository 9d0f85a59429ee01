"""The two request headers that concern a prediction: `Prefer` and `Cancel-After`."""

from __future__ import annotations

import re
from typing import NamedTuple

from .problems import APIError

_WAIT = re.compile(r"(?:^|[,;\s])wait(?:=([0-9]+))?(?=$|[,;\s])")
_MAX_DIGITS = 9
_NUMBER = rf"([0-9]{{1,{_MAX_DIGITS}}})"
_DURATION = re.compile(rf"(?=[0-9])(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s?)?")
_MAX_WAIT = 60  # seconds
_MIN_LIFETIME = 5  # seconds
_MAX_LIFETIME = 24 * 3600  # seconds


class Wait(NamedTuple):
    """A preference for a synchronous response.

    Attributes:
        seconds: How long to wait for the end of the prediction.
        applied: The value of the header `Preference-Applied`.
    """

    seconds: int
    applied: str


def parse_prefer(header: str | None) -> Wait | None:
    """Return the wait that `Prefer: wait[=n]` requests, or None where it requests none.

    Args:
        header: The value of `Prefer`; without a number the wait is 60 seconds, which is also the
            longest one.

    Raises:
        APIError: The number has more than 9 digits.
    """
    match = _WAIT.search(header or "")
    if match is None:
        return None
    if match[1] is None:
        return Wait(_MAX_WAIT, "wait")
    if len(match[1]) > _MAX_DIGITS:
        detail = f"Prefer must be wait, or wait=n with a number of seconds up to {_MAX_WAIT}"
        raise APIError(422, detail, "Invalid Prefer header")
    seconds = min(int(match[1]), _MAX_WAIT)
    if seconds < 1:
        return None
    return Wait(seconds, f"wait={seconds}")


def parse_cancel_after(header: str | None) -> int | None:
    """Return the seconds that `Cancel-After` names, or None without the header.

    Args:
        header: `30`, `30s`, `5m` or `1h30m45s`.

    Raises:
        APIError: It is no duration, or one below 5 seconds or above 24 hours.
    """
    if header is None:
        return None
    match = _DURATION.fullmatch(header.strip())
    total = 0
    if match is not None:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
    if not _MIN_LIFETIME <= total <= _MAX_LIFETIME:
        detail = (
            "Cancel-After must be a duration between 5 seconds and 24 hours, "
            "such as 30s, 5m or 1h30m45s"
        )
        raise APIError(422, detail, "Invalid Cancel-After header")
    return total
