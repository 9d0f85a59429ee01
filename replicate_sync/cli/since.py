"""The option --since: how far back a command looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def since_option(default: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Return a decorator that adds the option --since to a command, as a datetime.

    Args:
        default: How far back the command looks if nothing is said, such as "1h".
    """
    return click.option(
        "--since",
        callback=_parse_time,
        default=default,
        show_default=True,
        metavar="TIME",
        help="Look back so far: 90s, 45m, 1h, 7d, or to a date such as 2026-01-31.",
    )


def api_time(time: datetime) -> str:
    """Return a time as the API takes it."""
    text = time.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def _parse_time(ctx: click.Context, param: click.Parameter, text: str) -> datetime:
    """Return a time of the past, by how long ago it is, or by its date."""
    duration = _DURATION.fullmatch(text)
    try:
        if duration is not None:
            number, unit = duration.groups()
            return datetime.now(timezone.utc) - timedelta(**{_UNITS[unit]: int(number)})
        # A date is meant as on the clock of this machine.
        return datetime.fromisoformat(text).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time such as 90s, 45m, 1h, 7d or 2026-01-31."
        ) from None
