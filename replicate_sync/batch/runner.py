"""Many predictions of one model: each is created once, also when the program is restarted."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from ..exceptions import (
    Interruption,
    InvalidInputError,
    JournalError,
    MapError,
    NotFoundError,
    PredictionError,
    ReplicateError,
)
from ..http.json import serialize_json
from ..payloads.inputs import Upload, place_files, validate_input
from ..polling import Deadline
from ..prediction.create_options import CreateOptions, PredictionRequest, create_headers
from ..prediction.creation import Creation
from ..prediction.leaving import CANCEL_TIMEOUT
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .window import Window, call_at_exit, call_for_each, call_on

if TYPE_CHECKING:
    from .journal import Entry, Journal

OnError = Literal["raise", "return"]

_MAX_CANCELING_THREADS = 128
# Seconds that leaving may take: a look-up, and canceling what it has found.
_LEAVING_TIME = 2 * CANCEL_TIMEOUT + 0.2
_HOLD = 60.0  # seconds for which the API is asked to hold a response back
_log = logging.getLogger("replicate_sync")


class BatchRunner:
    """Runs a model on many inputs, with a window of predictions in flight.

    Without a journal, leaving early cancels what is in flight. With one, it goes on, to be fetched
    at the next start.

    Args:
        predictions: Creates predictions.
        request: What each of them has in common: the model, and fields such as a webhook.
        cancel_after: As in `Predictions.create`; likewise `validate`.
        validate: See there.
        executor: What waits for predictions, if not the threads of the window.
        journal: The file that remembers predictions, or None.
    """

    def __init__(
        self,
        predictions: Predictions,
        request: PredictionRequest,
        *,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        executor: Executor | None,
        journal: str | os.PathLike[str] | None,
    ) -> None:
        self._predictions = predictions
        self._request = request
        self._cancel_after = cancel_after
        self._validate = validate
        self._executor = executor
        self._journal: Journal | None = None
        if journal is not None:
            # Late, as sqlite3 takes time that most programs need not spend.
            from .journal import Journal

            self._journal = Journal(journal)
            predictions.register(*self._journal.ids())
        # What is in flight, by position.
        self._requested: dict[int, Creation[Prediction]] = {}
        self._running: dict[int, Prediction] = {}
        self._deadline = Deadline()
        self._process = os.getpid()
        self._has_left = False
        # Why the journal could not be written, after which nothing more is created.
        self._journal_failure: JournalError | None = None

    def results(
        self,
        inputs: Iterable[Mapping[str, Any]],
        concurrency: int,
        ordered: bool,
        on_error: OnError,
    ) -> Iterator[Any]:
        """Yield the results, lazily; see `Replicate.map`."""
        window = Window(self._run, inputs, concurrency)
        results: dict[int, Any] = {}
        _open_windows[self] = window
        try:
            for position, future in window.in_order() if ordered else window.as_completed():
                error = future.exception()
                if error is None:
                    if on_error == "raise":
                        results[position] = future.result()
                    yield future.result()
                elif not isinstance(error, ReplicateError):
                    raise error
                elif on_error == "raise" or self._journal_failure is not None:
                    raise self._map_error(
                        position, error, results, window
                    ) from error.with_traceback(None)
                else:
                    yield error
                self._require_own_process()
        except KeyboardInterrupt as interrupt:
            Interruption(self.leave(window)).attach_to(interrupt)
            raise
        finally:
            self.leave(window)

    def leave(self, window: Window[Any, Any]) -> str:
        """Stop, and cancel what is in flight unless a journal remembers it.

        Args:
            window: The calls in flight.

        Returns:
            What became of what was in flight, as a sentence.
        """
        if self._has_left or os.getpid() != self._process:
            return ""
        self._has_left = True
        _open_windows.pop(self, None)
        self._deadline.expire()
        window.close()
        in_flight: list[Prediction | Creation[Prediction]] = [*self._running.values()]
        in_flight += self._requested.values()
        if self._journal:
            end = monotonic() + CANCEL_TIMEOUT
            while self._requested and monotonic() < end:
                sleep(0.01)  # so that responses that are on their way get into the journal
            self._journal.close()
            return (
                f"{_count(in_flight)} will go on, and the same map with the same journal fetches "
                "their results."
            )
        call_for_each(self._cancel, in_flight, _LEAVING_TIME, _MAX_CANCELING_THREADS)
        running = [one.id for one in in_flight if isinstance(one, Prediction) and not one.ended]
        if not running:
            return f"{_count(in_flight)} will be canceled."
        names = ", ".join(running)
        _log.warning("%d predictions could not be canceled: %s", len(running), names)
        return (
            f"{_count(in_flight)}; these could not be canceled, and may still be running: {names}"
        )

    def _require_own_process(self) -> None:
        if os.getpid() != self._process:
            raise ReplicateError(
                "This map belongs to the process that has started it, of which this one is a fork.",
                hint="Start a map of its own here.",
            )

    def _run(self, position: int, given: Mapping[str, Any]) -> Any:
        """Return the result of one input, in a thread of the window."""
        try:
            prediction = self._start(position, validate_input(given))
            self._running[position] = prediction
            if self._deadline.expired and not self._journal:
                prediction.abandon()
            self._wait(prediction)
        except PredictionError as error:
            if error.prediction is not None and error.prediction.ended:
                self._record_ended(position, error.prediction)
            raise
        finally:
            self._running.pop(position, None)
        self._record_ended(position, prediction)
        return prediction.parse_output()

    def _record_ended(self, position: int, prediction: Prediction) -> None:
        journal = self._journal
        if journal:
            self._record(lambda: journal.record_ended(position, prediction.raw))

    def _record(self, write: Callable[[], None]) -> None:
        """Record what became of a prediction; where that fails, no other one is created."""
        try:
            write()
        except JournalError as error:
            if self._journal_failure is None:
                _log.warning(
                    "%s What is in flight goes on; nothing more is created.", error.message
                )
            self._journal_failure = error

    def _start(self, position: int, validated: dict[str, object]) -> Prediction:
        """Return the prediction of an input: a known one, or a new one."""
        journal = self._journal
        if journal is None:
            if self._executor:
                hold = None
            else:
                hold = _HOLD
            return self._create(position, validated, hold)
        # An uploaded file has another URL at each start, so that its content identifies the input.
        identity = serialize_json(place_files(validated, Upload.digest))
        key = journal.key(str(self._request.ref), identity)
        entry = journal.entry(position, key)
        if entry:
            known = self._fetch_known(entry)
        else:
            known = None
        if known is not None:
            return known
        placed = self._predictions.place_files(validated, CreateOptions())
        if entry:
            planned = self._predictions.plan(
                self._request._replace(input=placed), CreateOptions(), validate=False
            )
            evidence = planned.evidence._replace(after=entry.requested_at, is_server_time=False)
            found = self._predictions.look_up(evidence).prediction
            if found is not None:
                journal.record_created(position, found.id)
                return found
        self._require_journal()
        try:
            journal.record_request(position, key, time(), {})
        except JournalError as error:
            self._journal_failure = error
            raise
        try:
            prediction = self._create(position, placed, None)
        except ReplicateError as error:
            if not getattr(error, "maybe_created", False):
                journal.record_not_created(position)
            raise
        return prediction

    def _require_journal(self) -> None:
        """Raise why nothing more is created, if that is so."""
        failure = self._journal_failure
        if failure is not None:
            raise JournalError(failure.message, hint=failure.hint) from failure

    def _create(self, position: int, placed: dict[str, object], hold: float | None) -> Prediction:
        headers = create_headers(self._predictions.context, hold, self._cancel_after, Deadline())
        options = CreateOptions(headers, cancel_on_exit=False)
        request = self._request._replace(input=placed)
        creation = self._predictions.plan(request, options, validate=self._validate)
        self._requested[position] = creation
        try:
            if self._deadline.expired:
                raise ReplicateError("The map was left before this input was started.")
            prediction = self._predictions.send(creation, options)
            journal = self._journal
            if journal:
                self._record(lambda: journal.record_created(position, prediction.id))
            return prediction
        finally:
            self._requested.pop(position)

    def _fetch_known(self, entry: Entry) -> Prediction | None:
        """Return the prediction that an earlier start has created, where its id is known."""
        if entry.ended:
            return self._predictions.from_json(entry.ended)
        if entry.id is None:
            return None
        try:
            prediction = self._predictions.get(entry.id)
        except NotFoundError as error:
            raise _expired_error(entry.id, None) from error
        if prediction.data_removed and prediction.output is None:
            raise _expired_error(entry.id, prediction)
        return prediction

    def _wait(self, prediction: Prediction) -> None:
        if self._executor is None or prediction.ended:
            prediction.wait(deadline=self._deadline, cancel_on_exit=False)
            return
        try:
            prediction.update(call_on(self._executor, wait_for, prediction))
        except ReplicateError:
            raise
        except Exception as error:
            # A worker that died, or could not be reached. The prediction has not, so wait here.
            _log.warning(
                "waiting for prediction %s in this process, as the executor failed: %s",
                prediction.id,
                error,
            )
            prediction.wait(deadline=self._deadline, cancel_on_exit=False)

    def _map_error(
        self,
        position: int,
        error: ReplicateError,
        results: dict[int, Any],
        window: Window[Any, Any],
    ) -> MapError:
        """Return the error of a map, after what is in flight has ended: it has been paid for."""
        window.stop()
        errors: dict[int, Exception] = {position: error}
        for other_position, future in window.in_order():
            _collect(other_position, future, results, errors)
        others = f"the results of {len(results)} others are in .results, by position"
        parts = [f"Input {position} failed; {others}"]
        if len(errors) > 1:
            parts.append("further errors in .errors")
        if self._journal_failure is None:
            parts.append("and on_error='return' would go on")
        map_error = MapError(f"{', '.join(parts)}. {error}")
        map_error.results = results
        map_error.errors = errors
        map_error.position = position
        map_error.prediction = error.prediction
        return map_error

    def _cancel(self, item: Prediction | Creation[Prediction]) -> None:
        """Cancel what is in flight, also where its id is not known here yet."""
        if isinstance(item, Prediction):
            item.abandon()
            return
        self._predictions.abandon(item)


def wait_for(prediction: Prediction) -> dict[str, Any]:
    """Wait for a prediction, and return its JSON: what an executor is asked to do."""
    return prediction.wait(cancel_on_exit=False).raw


def validate_arguments(concurrency: int, on_error: str, executor: Executor | None) -> None:
    """Raise what is wrong with the arguments of a map.

    Raises:
        InvalidInputError: One of them is wrong.
    """
    is_number = isinstance(concurrency, int) and not isinstance(concurrency, bool)
    if not is_number or concurrency < 1:
        raise InvalidInputError(f"concurrency must be a number of 1 or more, not {concurrency!r}.")
    if on_error not in ("raise", "return"):
        raise InvalidInputError(f"on_error must be 'raise' or 'return', not {on_error!r}.")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidInputError("executor must be a concurrent.futures.Executor.")


def _count(in_flight: list[Prediction | Creation[Prediction]]) -> str:
    """Return how many predictions are in flight, in words."""
    return f"{len(in_flight)} prediction{'' if len(in_flight) == 1 else 's'} in flight"


def _collect(
    position: int, future: Future[Any], results: dict[int, Any], errors: dict[int, Exception]
) -> None:
    if future.cancelled():
        return
    error = future.exception()
    if isinstance(error, Exception):
        errors[position] = error
    else:
        results[position] = future.result()


def _expired_error(prediction_id: str, prediction: Prediction | None) -> PredictionError:
    error = PredictionError(
        f"Prediction {prediction_id} ended while nobody waited, and its output was removed: "
        "Replicate keeps one for an hour. It was paid for.",
        hint="To run its input again, take a new journal for it.",
    )
    error.prediction = prediction
    return error


# The maps that are being iterated, to be left when the program ends.
_open_windows: WeakKeyDictionary[BatchRunner, Window[Any, Any]] = WeakKeyDictionary()


def _leave_all() -> None:
    for runner, window in list(_open_windows.items()):
        runner.leave(window)


call_at_exit(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_windows.clear)
