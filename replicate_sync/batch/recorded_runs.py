"""Runs that a journal remembers: each is created once, also when the program is started again.

`result` is called for an input when its turn comes, `recover` before all that is new:

    the journal has     recover                              result
    nothing             -                                    creates
    a request           looks it up: adopts it, or deletes   raises where nothing is known
                        the row where nothing was created    (or creates again: `on_lost`)
    an id               polls once; saves what has ended     returns it, to be waited for
    an end, no files    saves the files                      returns it
    an end              -                                    returns it (or creates again: `retry`)

An example: a map was killed with six in flight. Started again, it polls the five whose ids are in
the journal, finds the sixth by its input and the time of its request, downloads what they have made
before that expires, and only then goes on to create.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic, time

from ..deadline import Deadline
from ..exceptions import (
    JournalError,
    NotFoundError,
    PredictionError,
    ReplicateError,
    ResponseError,
)
from ..http.json import serialize_json
from ..payloads.inputs import place_files
from ..payloads.result_files import Saver, find_files
from ..payloads.upload import Upload
from ..prediction.create_options import PredictionRequest
from ..prediction.creation import Evidence
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .journal import Entry, Journal
from .journal_states import EXPIRED, state_of
from .lost_requests import LostRequests, digest_of
from .map_options import JournalOptions
from .result_shape import Shape, paths_in, restore, shape_of
from .run import Run

_CLOCK_TIMEOUT = 10.0  # seconds for learning the API's time
_AGAIN_IN_A_MAP = "To run its input again, use retry='expired', or take a new journal for it."
_AGAIN = "To run it again, give it another key=."
_GONE = (403, 404, 410)  # statuses of a file that was removed
_log = logging.getLogger("replicate_sync")


class RecordedRuns:
    """Creates predictions so that a journal knows of each before it is sent.

    Args:
        predictions: Creates predictions.
        journal: The journal.
        options: How it is used.
        saver: Saves the files of results, or None.
        deadline: When the caller leaves.
    """

    def __init__(
        self,
        predictions: Predictions,
        journal: Journal,
        options: JournalOptions,
        saver: Saver | None,
        deadline: Deadline,
    ) -> None:
        self.journal = journal
        #: Why the journal could not be written, after which nothing more is created.
        self.failure: JournalError | None = None
        self._predictions = predictions
        self._options = options
        self._saver = saver
        self._deadline = deadline
        self._lost = LostRequests(predictions, journal, self._record, deadline)
        self._lock = threading.Lock()
        self._knows_time = False
        predictions.register(*self.journal.ids())

    # -- Before anything new --

    def recover(self) -> Iterator[Callable[[], None]]:
        """Yield the calls, for any thread, that fetch and keep what earlier starts have left."""
        try:
            yield from self._left_behind()
        except JournalError as error:
            _log.warning("%s", error.message)

    def _left_behind(self) -> Iterator[Callable[[], None]]:
        # First what has ended: a call for one of the others makes it one whose files are not saved.
        if self._saver is not None:
            for entry in self.journal.unsaved():
                yield partial(self._recover, entry)
        requests: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.journal.unfinished():
            if entry.id is not None:
                yield partial(self._recover, entry)
            elif digest_of(entry):
                requests[digest_of(entry)].append(entry)
        for entries in requests.values():
            yield partial(self._recover_requests, entries)

    def _recover(self, entry: Entry) -> None:
        """Keep the result of one whose id is known. What fails is an error when its turn comes."""
        if self._deadline.expired:
            return
        try:
            prediction = self._known(entry)
            if prediction is not None and prediction.ended:
                self._keep_result(entry.position, prediction, entry)
        except (ReplicateError, OSError) as error:
            _log.debug("input %d could not be recovered yet: %s", entry.position, error)

    def _recover_requests(self, entries: list[Entry]) -> None:
        """Look up what requests of equal inputs have made, and keep what has ended."""
        found = {prediction.id for prediction in self._lost.recover(entries)}
        for entry in self.journal.unfinished():
            if entry.id in found:
                self._recover(entry)

    # -- One run --

    def result(self, position: int, run: Run) -> object:
        """Return the result of an input, from the journal or from a new prediction.

        Args:
            position: Its row.
            run: How it is run.

        Raises:
            InvalidInputError: The row is of another model or another input.
            JournalError: The row is damaged, or the journal cannot be written.
            PredictionError: The prediction has failed, has expired, or may exist.
        """
        key = run_key(run.request, run.name)
        entry = self.journal.entry(position, key)
        if entry is not None and _is_request(entry):
            self._lost.wait_for_equal(digest_of(entry))
            entry = self.journal.entry(position, key)
        prediction = None
        if entry is not None:
            prediction = self._resume(entry, run)
        if prediction is None:
            entry = None
            prediction = self._create(position, key, run)
        try:
            run.wait(prediction)
        except PredictionError:
            if prediction.ended:
                self._record_ended(prediction, entry, position)
            raise
        return self._keep_result(position, prediction, entry)

    def _resume(self, entry: Entry, run: Run) -> Prediction | None:
        """Return the prediction that an earlier start has created; None to create one."""
        if not _is_request(entry):
            return self._known(entry)
        try:
            return self._lost.result(entry, run.plan)
        except PredictionError:
            if not self._options.creates_lost:
                raise
        return None

    def _create(self, position: int, key: str, run: Run) -> Prediction:
        if self.failure is not None:
            raise JournalError(self.failure.message, hint=self.failure.hint) from self.failure
        self._learn_time()
        creation = run.plan()
        self._lost.wait_for_equal(creation.evidence.digest)
        has_row = False

        def record_request(evidence: Evidence) -> None:
            nonlocal has_row
            try:
                self.journal.record_request(position, key, time(), evidence.to_json())
            except JournalError as error:
                self.failure = error
                raise
            has_row = True

        creation.before_send = record_request
        try:
            prediction = run.send(creation)
            self._record_created(position, prediction.id)
        except BaseException:
            if has_row and creation.state == "rejected":
                self._record(partial(self.journal.record_not_created, position))
            elif creation.prediction is not None:
                self._record_created(position, creation.prediction.id)
            raise
        return prediction

    def _record_created(self, position: int, prediction_id: str) -> None:
        self._record(partial(self.journal.record_created, position, prediction_id))
        if self.failure is not None or not self.journal.is_open:
            # The next start finds only the request, perhaps in this process, and looks it up.
            self._predictions.release(prediction_id)

    def _learn_time(self) -> None:
        """Learn the API's time, unless that was tried: it identifies what is created."""
        with self._lock:
            if not self._knows_time:
                self._predictions.learn_server_time(Deadline(_CLOCK_TIMEOUT))
                self._knows_time = True

    # -- What is known --

    def _known(self, entry: Entry) -> Prediction | None:
        """Return a prediction that has an id or an end; None where it is to be run again.

        Raises:
            PredictionError: The API has removed its output.
        """
        if self._options.retry and self._is_to_run_again(entry):
            return None
        if entry.ended is not None and entry.ended.get("status") == EXPIRED:
            raise self._expire(entry.position, str(entry.id), None)
        if entry.ended is not None:
            return self._predictions.from_json(entry.ended)
        return self._fetch(entry.position, str(entry.id))

    def _is_to_run_again(self, entry: Entry) -> bool:
        if "expired" in self._options.retry:
            # By this machine's clock, where that is an hour ahead, nothing would seem to be there
            # any more, and all of it would be paid for again.
            self._learn_time()
        now = self._predictions.context.transport.clock.earliest(monotonic())
        return state_of(entry, now) in self._options.retry

    def _fetch(self, position: int, prediction_id: str) -> Prediction | None:
        prediction = None
        cause = None
        try:
            prediction = self._predictions.get(prediction_id)
        except NotFoundError as error:
            cause = error
        else:
            is_removed = prediction.data_removed and prediction.output is None
            if not is_removed or prediction.status != "succeeded":
                return prediction
        expired = self._expire(position, prediction_id, prediction)
        if "expired" in self._options.retry:
            return None
        raise expired from cause

    # -- What has ended --

    def _keep_result(self, position: int, prediction: Prediction, entry: Entry | None) -> object:
        """Return the result of a prediction that has ended, its files saved, and record it.

        Raises:
            PredictionError: The API has removed its files.
            ReplicateError: They could not be saved.
        """
        if prediction.status != "succeeded":
            self._record_ended(prediction, entry, position)
            return None
        result, shape = self._parse(prediction, entry)
        files = find_files(result)
        self._record_ended(prediction, entry, position, shape, is_saved=not files)
        if self._saver is not None and files:
            known = paths_in(shape)
            prefix = str(position) if position >= 0 else None
            try:
                prediction.save_files(files, self._saver, prefix, known, self._deadline)
            except ResponseError as error:
                if error.status_code not in _GONE:
                    raise
                raise self._expire(position, prediction.id, prediction) from error
            saved = shape_of(prediction.output, result)
            if paths_in(saved) != known:
                self._record(partial(self.journal.record_ended, position, prediction.raw, saved))
        return result

    def _parse(self, prediction: Prediction, entry: Entry | None) -> tuple[object, Shape]:
        """Return the result of a prediction and its shape; without a request if that is known."""
        if entry is not None and entry.result is not None:
            downloader = self._predictions.context.transport.downloader
            with suppress(ValueError):
                return restore(prediction.output, entry.result, downloader), entry.result
        result = prediction.parse_output()
        return result, shape_of(prediction.output, result)

    def results(self) -> dict[int, object]:
        """Return every result that is in the journal, by the position of its input."""
        results = {}
        for entry in self.journal.entries():
            if isinstance(entry, Entry) and entry.ended is not None and entry.position >= 0:
                with suppress(ReplicateError):
                    prediction = self._predictions.from_json(entry.ended)
                    if prediction.status == "succeeded":
                        result, _ = self._parse(prediction, entry)
                        results[entry.position] = result
        return results

    def _record_ended(
        self,
        prediction: Prediction,
        entry: Entry | None,
        position: int,
        result: Shape | None = None,
        *,
        is_saved: bool = True,
    ) -> None:
        """Record an end, unless the journal has it."""
        if entry is None or entry.ended is None or entry.result != result:
            ended = prediction.raw
            self._record(
                lambda: self.journal.record_ended(position, ended, result, is_saved=is_saved)
            )

    def _expire(
        self, position: int, prediction_id: str, prediction: Prediction | None
    ) -> PredictionError:
        """Record that an output was removed, and return the error that says so."""
        ended = {"id": prediction_id, "status": EXPIRED}
        self._record(partial(self.journal.record_ended, position, ended))
        error = PredictionError(
            f"Prediction {prediction_id} ended while nobody waited, and its output was removed: "
            "Replicate keeps one for an hour. It was paid for.",
            hint=_AGAIN_IN_A_MAP if position >= 0 else _AGAIN,
        )
        error.prediction = prediction
        return error

    def _record(self, write: Callable[[], None]) -> None:
        """Record what became of a prediction; where that fails, no other one is created."""
        try:
            write()
        except JournalError as error:
            if self.failure is None:
                _log.warning(
                    "%s What is in flight goes on; nothing more is created.", error.message
                )
            self.failure = error


def run_key(request: PredictionRequest, name: str) -> str:
    """Return what identifies a model, an input, whose files count by their content, and a name."""
    # An uploaded file has another URL at each start.
    identity = serialize_json(place_files(request.input, Upload.digest))
    return Journal.key(str(request.ref), identity, name)


def _is_request(entry: Entry) -> bool:
    """Return whether it is not known whether a prediction was created."""
    return entry.id is None and entry.ended is None
