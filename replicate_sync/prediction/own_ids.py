"""The predictions that this process holds or has listed, so that none is taken for another's."""

from __future__ import annotations

from time import monotonic

# At least as many as may have been created within the time that a look-up covers, and more: the
# older half is forgotten where there are twice as many. A dict takes a third of an OrderedDict.
_MIN_REMEMBERED = 10_000

# By the base URL of the API: each with the time at which a look-up has adopted it, by
# `time.monotonic`; 0 for any other.
_held: dict[str, dict[str, float]] = {}

# Likewise, each with the time at which a look-up has first listed it.
_listed: dict[str, dict[str, float]] = {}


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
    held = _held.setdefault(base_url, {})
    for one in ids:
        is_taken = held.setdefault(one, 0.0) > since or is_taken
    if len(held) > 2 * _MIN_REMEMBERED:
        _forget_older_half(held)
    return is_taken


def adopt(base_url: str, prediction_id: str) -> bool:
    """Register what a look-up has found; return False where this process already holds it."""
    now = monotonic()
    held = _held.setdefault(base_url, {})
    # In one step, so that no two threads adopt the same.
    is_new = prediction_id not in held
    return is_new and held.setdefault(prediction_id, now) is now


def release(base_url: str, prediction_id: str) -> None:
    """Forget that this process holds a prediction, so that a look-up may adopt it."""
    _held.get(base_url, {}).pop(prediction_id, None)


def is_held(base_url: str, prediction_id: object) -> bool:
    """Return whether this process holds a prediction."""
    return prediction_id in _held.get(base_url, ())


def first_listed_at(base_url: str, prediction_id: str) -> float:
    """Return when a look-up has first listed a prediction, by `time.monotonic`: now, if none had.

    What is sent later than that cannot have created it.
    """
    listed = _listed.setdefault(base_url, {})
    first = listed.setdefault(prediction_id, monotonic())
    if len(listed) > 2 * _MIN_REMEMBERED:
        _forget_older_half(listed)
    return first


def _forget_older_half(known: dict[str, float]) -> None:
    for one in tuple(known)[:-_MIN_REMEMBERED]:
        known.pop(one, None)  # another thread may do the same


def forget_all() -> None:
    """Forget them: for tests, whose servers use one id many times."""
    _held.clear()
    _listed.clear()
