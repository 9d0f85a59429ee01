"""The predictions that this process holds or has listed, so that none is taken for another's."""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic

# As many as may have been created within the time that a look-up covers, and more.
_MAX_REMEMBERED = 10_000

# Each with the time at which a look-up has adopted it, by `time.monotonic`; 0 for any other.
_held: OrderedDict[tuple[str, str], float] = OrderedDict()

# Each with the time at which a look-up has first listed it, by `time.monotonic`.
_listed: OrderedDict[tuple[str, str], float] = OrderedDict()


def register(base_url: str, *ids: str, since: float = 0.0) -> bool:
    """Note predictions as held by this process, for all its clients.

    A forked child knows what its parent held, which is not the child's to take either.

    Args:
        base_url: The base URL of the API.
        *ids: The ids of the predictions.
        since: A time by `time.monotonic`.

    Returns:
        Whether a look-up has adopted one of them since then, for an equal create.
    """
    is_taken = False
    for one in ids:
        is_taken = _held.setdefault((base_url, one), 0.0) > since or is_taken
    while len(_held) > _MAX_REMEMBERED:
        _held.popitem(last=False)
    return is_taken


def adopt(base_url: str, prediction_id: str) -> bool:
    """Register what a look-up has found; return False where this process already holds it."""
    now = monotonic()
    # In one step, so that no two threads adopt the same.
    is_new = (base_url, prediction_id) not in _held
    return is_new and _held.setdefault((base_url, prediction_id), now) is now


def is_held(base_url: str, prediction_id: object) -> bool:
    """Return whether this process holds a prediction."""
    return (base_url, prediction_id) in _held


def first_listed_at(base_url: str, prediction_id: str) -> float:
    """Return when a look-up has first listed a prediction, by `time.monotonic`: now, if none had.

    What is sent later than that cannot have created it.
    """
    first = _listed.setdefault((base_url, prediction_id), monotonic())
    while len(_listed) > _MAX_REMEMBERED:
        _listed.popitem(last=False)
    return first


def forget_all() -> None:
    """Forget them: for tests, whose servers use one id many times."""
    _held.clear()
    _listed.clear()
