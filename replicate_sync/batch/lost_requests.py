"""Requests whose program was killed before their responses: what have they made?

They are looked up before anything new is created, by the evidence that the journal has of each. The
API lists what it was sent after up to a second. A request that is younger and not listed yet is
looked up again when that is over, in a thread of its own. Until then no equal prediction is
created, which could be taken for the lost one; any other may be.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic, time

from ..deadline import Deadline
from ..exceptions import PredictionError, ReplicateError
from ..prediction.creation import Creation, Evidence, is_under_way
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .journal import Entry, Journal
from .window import start_thread

_PROCESSING_TIME = 1.0  # seconds after which the API lists what it was sent
_LOOK_UPS = 3  # where the list fails
_PAUSE = 0.05  # seconds in which it is asked once whether a create has ended
_log = logging.getLogger("replicate_sync")

Record = Callable[[Callable[[], None]], None]
"""Writes to the journal, and notes where that fails."""


class LostRequests:
    """Looks up what lost requests have made, and records it.

    Args:
        predictions: The account's.
        journal: The journal.
        record: Writes to it.
        deadline: When the caller leaves.
    """

    def __init__(
        self, predictions: Predictions, journal: Journal, record: Record, deadline: Deadline
    ) -> None:
        self._predictions = predictions
        self._journal = journal
        self._record = record
        self._deadline = deadline
        self._opened_at = monotonic()
        # Why it is not known whether a prediction was created, by position.
        self._doubts: dict[int, PredictionError] = {}
        # By the hash of the input: set when it is known what became of equal requests.
        self._known: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def recover(self, entries: Sequence[Entry]) -> list[Prediction]:
        """Look up what requests of equal inputs have made; return what was found.

        The youngest are left to a thread.
        """
        found: list[Prediction] = []
        late: list[Entry] = []
        for entry in entries:
            try:
                prediction = self._note(entry, is_patient=False)
            except _TooEarly:
                late.append(entry)
            else:
                found += [prediction] if prediction is not None else []
        if late:
            known = self._known[digest_of(late[0])] = threading.Event()
            start_thread(self._settle_late, late, known)
        return found

    def wait_for_equal(self, digest: str) -> None:
        """Wait until it is known what became of the lost requests of an input."""
        known = self._known.get(digest)
        if known is not None:
            known.wait()

    def result(self, entry: Entry, plan: Callable[[], Creation[Prediction]]) -> Prediction | None:
        """Return what a request has made, when its turn has come; None where it has made nothing.

        Args:
            entry: Its row.
            plan: Returns an equal create, for a row of an earlier version, which has no evidence.

        Raises:
            PredictionError: What it has made is not known.
        """
        doubt = self._doubts.pop(entry.position, None)
        if doubt is not None:
            raise doubt
        if entry.evidence is None:
            evidence = plan().evidence.to_json()
            evidence.update(after=entry.requested_at, is_server_time=False)
            entry = entry._replace(evidence=evidence)
        with self._lock:
            return self._settle(entry, is_patient=True)

    def _settle_late(self, entries: Sequence[Entry], known: threading.Event) -> None:
        try:
            for entry in entries:
                self._note(entry, is_patient=True)
        finally:
            known.set()

    def _note(self, entry: Entry, *, is_patient: bool) -> Prediction | None:
        """Look one up, and note for its turn where that is not known."""
        try:
            return self._settle(entry, is_patient=is_patient)
        except PredictionError as error:
            self._doubts[entry.position] = error
        except ReplicateError as error:
            _log.debug("input %d could not be looked up yet: %s", entry.position, error)
        return None

    def _settle(self, entry: Entry, *, is_patient: bool) -> Prediction | None:
        """Return what a request has made, and record it; None where it has made nothing.

        Raises:
            PredictionError: What it has made is not known.
            _TooEarly: What it has made is not known yet, and the caller is not patient.
        """
        evidence = _evidence_of(entry)
        self._await_own(evidence, is_patient=is_patient)
        for _ in range(_LOOK_UPS):
            found = self._predictions.look_up(evidence, in_doubt=self._count_equal(evidence))
            prediction = found.prediction
            if prediction is not None:
                self._record(partial(self._journal.record_created, entry.position, prediction.id))
                return prediction
            if found.is_absent and self._is_settled(entry, evidence):
                self._record(partial(self._journal.record_not_created, entry.position))
                return None
            if found.candidates or self._deadline.expired:
                break
            if not is_patient:
                raise _TooEarly
            self._deadline.sleep(self._opened_at + _PROCESSING_TIME - monotonic())
        raise _lost_error(entry, found.candidates)

    def _await_own(self, evidence: Evidence, *, is_patient: bool) -> None:
        """Wait for an equal create that a map in this process has left behind: it may be this one.

        Raises:
            _TooEarly: There is one, and the caller is not patient.
        """
        transport = self._predictions.context.transport
        end = monotonic() + transport.timeout
        while is_under_way(transport.base_url, evidence):
            if not is_patient:
                raise _TooEarly
            if monotonic() > end or self._deadline.expired:
                return
            self._deadline.sleep(_PAUSE)

    def _count_equal(self, evidence: Evidence) -> int:
        """Return how many requests of the same input are in doubt, this one included."""
        requests = [entry for entry in self._journal.unfinished() if entry.id is None]
        return max(1, sum(digest_of(entry) == evidence.digest for entry in requests))

    def _is_settled(self, entry: Entry, evidence: Evidence) -> bool:
        """Return whether the API would list by now what it was sent.

        Its sender had ended when the journal was opened. Where a clock was set meanwhile, the other
        one counts.
        """
        if monotonic() - self._opened_at >= _PROCESSING_TIME:
            return True
        age = time() - entry.requested_at
        clock = self._predictions.context.transport.clock
        if evidence.is_server_time and clock.is_known:
            age = min(age, clock.latest(monotonic()) - evidence.after)
        return age >= _PROCESSING_TIME


class _TooEarly(Exception):
    """A request is so young that the API may not list it yet."""


def digest_of(entry: Entry) -> str:
    """Return the hash of the input of a request, or "" where an earlier version has recorded it."""
    return str((entry.evidence or {}).get("digest", ""))


def _evidence_of(entry: Entry) -> Evidence:
    try:
        return Evidence.from_json(entry.evidence or {})
    except TypeError:  # of a later version
        raise _lost_error(entry, []) from None


def _lost_error(entry: Entry, candidates: list[str]) -> PredictionError:
    if candidates:
        reason = f"it may be {' or '.join(candidates)}"
    else:
        reason = "the account's predictions could not be listed"
    of_which = "this input"
    if entry.position >= 0:
        of_which = f"input {entry.position}"
    return PredictionError(
        f"A prediction may have been created for {of_which} when the program was stopped, and "
        f"nothing proves which: {reason}.",
        hint="To create it again, and perhaps pay for it twice, use on_lost='again'.",
    )
