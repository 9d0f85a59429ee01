"""What a row of a journal says of its prediction, in one word; asked of nobody."""

from __future__ import annotations

from typing import Literal

from ..http.config import API_URL
from ..payloads.output_urls import file_urls
from ..prediction.lookup import parse_api_time
from .journal import Entry
from .result_shape import paths_in

State = Literal["done", "running", "requested", "failed", "expired"]

STATES: tuple[State, ...] = ("done", "running", "requested", "failed", "expired")

#: Set as the status of a prediction that ended, and whose output the API has removed.
EXPIRED = "expired"

_RETENTION = 3600.0  # seconds for which Replicate keeps an output


def state_of(entry: Entry, now: float) -> State:
    """Return the state of a row.

    Args:
        entry: The row.
        now: The time, in seconds since 1970.

    Returns:
        "requested" where it is not known whether a prediction was created, "running" where its end
        is not known here, "done", "failed" where it has ended without a result, or "expired" where
        the result is no longer there: Replicate keeps an output for an hour.
    """
    ended = entry.ended
    if ended is None:
        if entry.id is None:
            return "requested"
        return "running"
    status = ended.get("status")
    if status == EXPIRED:
        return "expired"
    if status != "succeeded":
        return "failed"
    if _has_unsaved_files(entry) and now - _ended_at(entry) > _RETENTION:
        return "expired"
    return "done"


def _ended_at(entry: Entry) -> float:
    ended = entry.ended or {}
    return parse_api_time(ended.get("completed_at")) or entry.requested_at


def _has_unsaved_files(entry: Entry) -> bool:
    """Return whether a result has files that are only where Replicate has put them."""
    output = (entry.ended or {}).get("output")
    if entry.result is not None:
        return "" in paths_in(entry.result)
    return any(not url.startswith("data:") for url in file_urls(output, API_URL))
