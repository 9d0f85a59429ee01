"""How a create is sent: its headers and the fields of its webhook, from the caller's arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isnan
from typing import NamedTuple

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import InvalidInputError
from ..http.config import origin
from ..refs import ModelRef
from .context import Context

WEBHOOK_EVENTS = ("start", "output", "logs", "completed")

_MAX_HOLD = 60.0  # seconds
_LIFETIME = r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?"  # compiled when needed


class PredictionRequest(NamedTuple):
    """What to run, validated; nothing of it has been sent."""

    ref: ModelRef
    #: The validated input, with an `Upload` for each file.
    input: dict[str, object]
    #: The further fields of the body, such as the webhook.
    fields: Mapping[str, object] = {}


class CreateOptions(NamedTuple):
    """How a create is sent."""

    #: Headers besides the client's.
    headers: Mapping[str, str] = {}
    deadline: Deadline = NO_DEADLINE
    #: Whether an interruption cancels what was created.
    cancel_on_exit: bool = True
    #: Whether to display a progress bar for uploads.
    progress: bool = False


def webhook_fields(
    webhook: str | None, webhook_events_filter: str | Iterable[str] | None
) -> dict[str, object]:
    """Return the fields of a body that ask for a webhook.

    Args:
        webhook: The URL to call, or None.
        webhook_events_filter: One or more of "start", "output", "logs", "completed", or None.

    Raises:
        InvalidInputError: An argument is wrong.
    """
    fields: dict[str, object] = {}
    if webhook is not None:
        if origin(webhook) is None:
            raise InvalidInputError(f"webhook must be an absolute URL, not {webhook!r}.")
        fields["webhook"] = webhook
    if webhook_events_filter is not None:
        events = one_or_several(webhook_events_filter)
        unknown = [event for event in events if event not in WEBHOOK_EVENTS]
        if unknown:
            known = ", ".join(WEBHOOK_EVENTS)
            raise InvalidInputError(f"webhook_events_filter takes {known}, not {unknown[0]!r}.")
        fields["webhook_events_filter"] = events
    return fields


def one_or_several(value: object) -> list[object]:
    """Return an argument that is one value or several as a list; a text is one value."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return list(value)
    return [value]


def create_headers(
    context: Context,
    wait: float | bool | None,
    cancel_after: float | str | None,
    deadline: Deadline,
) -> dict[str, str]:
    """Return the headers of a create.

    Args:
        context: The client's.
        wait: For how many seconds the API may hold the response back; True for as long as it can.
        cancel_after: After how much time the API cancels it, in seconds or such as "1h30m".
        deadline: The deadline of the call.

    Raises:
        InvalidInputError: An argument is wrong.
    """
    headers: dict[str, str] = {}
    hold = context.transport.hold_seconds(_parse_wait(wait), deadline)
    if hold:
        if hold == _MAX_HOLD:
            headers["Prefer"] = "wait"
        else:
            headers["Prefer"] = f"wait={hold}"
    if cancel_after is not None:
        headers["Cancel-After"] = _parse_lifetime(cancel_after)
    return headers


def _parse_wait(wait: float | bool | None) -> float:
    if wait is None or isinstance(wait, bool):
        if wait:
            return _MAX_HOLD
        return 0.0
    if not isinstance(wait, int | float) or not wait >= 0:
        raise InvalidInputError(f"wait must be a number of seconds from 0 to 60, not {wait!r}.")
    return float(wait)


def _parse_lifetime(value: float | str) -> str:
    """Return a duration as the API takes it."""
    text = value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not isnan(float(value)):
        text = f"{value:.0f}s"
    total = 0
    match = re.fullmatch(_LIFETIME, text) if isinstance(text, str) else None
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = 3600 * hours + 60 * minutes + seconds
    if not 5 <= total <= 86400:
        raise InvalidInputError(
            f"cancel_after is a time from 5 s to 24 h, in seconds or such as '5m', not {value!r}."
        )
    return str(text)
