"""The names of models that are most like one that is unknown."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ReplicateError, UnknownModelError
from ..http.transport import Transport

_TIMEOUT = 1.0  # seconds; an error must not come much later because of its hint
_MIN_TIME = 0.1  # seconds that must remain
_LIMIT = "20"
_MAX_NAMES = 3
_MIN_LIKENESS = 0.6  # from 0 to 1


class NearNames:
    """Adds to the error for an unknown model which models were perhaps meant.

    The API's search is asked once for each unknown name.

    Args:
        transport: Sends the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._names: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def add_to(
        self, error: UnknownModelError, model: str, deadline: Deadline = NO_DEADLINE
    ) -> None:
        """Name the models that are most like an unknown one in the hint of its error.

        Args:
            error: The error.
            model: The unknown name, "owner/name".
            deadline: The deadline of the call; nothing is asked where hardly any time remains.
        """
        timeout = min(_TIMEOUT, deadline.remaining)
        end = monotonic() + timeout
        # The calls of a map meet the same error at the same time.
        if not self._lock.acquire(timeout=timeout):
            return
        try:
            names = self._known(model, end - monotonic())
        finally:
            self._lock.release()
        if model in names:  # it is its version, or its README, that is not there
            error.hint = f"There is a model {model!r}, without what was asked for."
        elif names:
            error.hint = (
                "There is no such model, or your token may not use it. Did you mean "
                f"{' or '.join(map(repr, names))}?"
            )

    def _known(self, model: str, timeout: float) -> list[str]:
        """Return the nearest names, asked for once; none where they do not arrive in time."""
        if model not in self._names and timeout >= _MIN_TIME:
            try:
                self._names[model] = self._find(model, timeout)
            except ReplicateError:  # no more than a hint is missing
                return []
        return self._names.get(model, [])

    def _find(self, model: str, timeout: float) -> list[str]:
        """Return the nearest names among those that the API's search finds.

        See https://replicate.com/docs/reference/http#search
        """
        words = model.replace("/", " ").replace("-", " ")
        found = self._transport.request(
            "GET",
            "/search",
            params={"query": words, "limit": _LIMIT},
            single_attempt=timeout,
            build=_names_in,
        )
        scores = {name: _likeness(model, name) for name in found}
        near = [name for name in scores if scores[name] >= _MIN_LIKENESS]
        return sorted(near, key=lambda name: -scores[name])[:_MAX_NAMES]


def _names_in(results: Any) -> list[str]:
    """Return the names of the models in the results of a search."""
    entries = results.get("models") if isinstance(results, Mapping) else None
    if not isinstance(entries, list):
        return []
    models = [entry.get("model") for entry in entries if isinstance(entry, Mapping)]
    return [f"{m.get('owner')}/{m.get('name')}" for m in models if isinstance(m, Mapping)]


def _likeness(given: str, name: str) -> float:
    """Return how like two names are, with their owners or without, from 0 to 1.

    A name that contains all of the given one is more like it than one with other numbers.
    """
    from difflib import SequenceMatcher  # late, as most names are right

    scores = []
    pairs = [(given, name), (given.rpartition("/")[2], name.rpartition("/")[2])]
    for one, other in pairs:
        matcher = SequenceMatcher(None, one.lower(), other.lower())
        matched_count = sum(block.size for block in matcher.get_matching_blocks())
        scores.append((matcher.ratio() + matched_count / max(1, len(one))) / 2)
    return max(scores)
