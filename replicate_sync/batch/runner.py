"""Many predictions of one model: each is created once, also when the program is restarted."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import cached_property
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..deadline import Deadline
from ..exceptions import Interruption, JournalError, MapError, ReplicateError
from ..payloads.inputs import validate_input
from ..payloads.result_files import Saver, find_files
from ..prediction.create_options import CreateOptions, PredictionRequest, create_headers
from ..prediction.creation import Creation
from ..prediction.leaving import CANCEL_TIMEOUT
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .leaving import cancel_all, count_in_flight
from .map_options import JournalOptions, OnError
from .run import Run
from .window import Window, call_at_exit, call_for_each, call_on

if TYPE_CHECKING:
    from .recorded_runs import RecordedRuns

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
        journal: What remembers predictions, or None.
        saver: Saves the files of results, or None.
    """

    def __init__(
        self,
        predictions: Predictions,
        request: PredictionRequest,
        *,
        cancel_after: float | str | None = None,
        validate: bool | None = None,
        executor: Executor | None,
        journal: JournalOptions | None,
        saver: Saver | None,
    ) -> None:
        self._predictions = predictions
        self._request = request
        self._cancel_after = cancel_after
        self._validate = validate
        self._executor = executor
        self._saver = saver
        self._deadline = Deadline()
        self._recorded: RecordedRuns | None = None
        if journal is not None:
            # Late, as sqlite3 takes time that most programs need not spend.
            from .journal import Journal
            from .recorded_runs import RecordedRuns

            opened = Journal(journal.path)
            self._recorded = RecordedRuns(predictions, opened, journal, saver, self._deadline)
        # What is in flight, by position; what is being created has no prediction yet.
        self._in_flight: dict[int, Creation[Prediction] | Prediction] = {}
        self._sending: set[int] = set()
        self._process = os.getpid()
        self._has_left = False

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
            if self._recorded:
                call_for_each(_call, self._recorded.recover(), None, concurrency)
            for call in window.in_order() if ordered else window.as_completed():
                error = call.error
                if not call.was_made:
                    break  # the program ends, and has left this map
                if error is None:
                    if on_error == "raise" and not self._is_on_disk:
                        results[call.position] = call.result
                    yield call.result
                elif not isinstance(error, ReplicateError):
                    raise error
                elif on_error == "raise" or self._failure is not None:
                    raise self._map_error(
                        call.position, error, results, window
                    ) from error.with_traceback(None)
                else:
                    yield error
                self._require_own_process()
        except KeyboardInterrupt as interrupt:
            message = self.leave(window, is_interrupted=True)
            Interruption(message).attach_to(interrupt)
            raise
        finally:
            self.leave(window)

    def leave(self, window: Window[Any, Any], *, is_interrupted: bool = False) -> str:
        """Stop, and cancel what is in flight unless a journal remembers it.

        Args:
            window: The calls in flight.
            is_interrupted: Whether an interrupt carries what is returned.

        Returns:
            What became of what was in flight, as sentences.
        """
        if self._has_left or os.getpid() != self._process:
            return ""
        self._has_left = True
        _open_windows.pop(self, None)
        self._deadline.expire()
        window.close()
        in_flight = list(self._in_flight.values())
        if self._recorded is None:
            creations = [one for one in in_flight if isinstance(one, Creation)]
            message, is_whole = cancel_all(
                self._predictions, creations, lambda: not self._in_flight
            )
            if not is_interrupted and not is_whole:
                _log.warning("%s", message)  # as there is no interrupt that could carry it
            return message
        end = monotonic() + CANCEL_TIMEOUT
        while self._sending and monotonic() < end:
            sleep(0.01)  # so that responses that are on their way get into the journal
        self._recorded.journal.close()
        return (
            f"{count_in_flight(len(in_flight))} will go on, and the same map with the same journal "
            "fetches their results."
        )

    @property
    def _failure(self) -> JournalError | None:
        """Why the journal could not be written, if that is so."""
        if self._recorded is None:
            return None
        return self._recorded.failure

    @property
    def _is_on_disk(self) -> bool:
        """Whether results can be read again, and need not be kept for an error."""
        return self._recorded is not None and self._recorded.failure is None

    def _require_own_process(self) -> None:
        if os.getpid() != self._process:
            raise ReplicateError(
                "This map belongs to the process that has started it, of which this one is a fork.",
                hint="Start a map of its own here.",
            )

    def _run(self, position: int, given: Mapping[str, Any]) -> Any:
        """Return the result of one input, in a thread of the window."""
        request = self._request._replace(input=validate_input(given))
        options = self._options

        def send(creation: Creation[Prediction]) -> Prediction:
            self._in_flight[position] = creation
            self._sending.add(position)
            if self._deadline.expired:
                raise ReplicateError("The map was left before this input was started.")
            return self._predictions.send(creation, options)

        def wait(prediction: Prediction) -> None:
            self._sending.discard(position)
            self._in_flight.setdefault(position, prediction)
            self._wait(prediction)

        def plan() -> Creation[Prediction]:
            return self._predictions.plan(request, options, validate=self._validate)

        try:
            if self._recorded is not None:
                return self._recorded.result(position, Run(request, plan, send, wait))
            prediction = send(plan())
            wait(prediction)
        finally:
            self._sending.discard(position)
            self._in_flight.pop(position, None)
        result = prediction.parse_output()
        if self._saver is not None:
            prediction.save_files(find_files(result), self._saver, str(position))
        # They refer to each other, and would stay in memory until a garbage collection.
        prediction.creation = None
        return result

    @cached_property
    def _options(self) -> CreateOptions:
        """Return how creates are sent: held back only where nothing needs the id at once."""
        hold = None
        if self._executor is None and self._recorded is None:
            hold = _HOLD
        headers = create_headers(self._predictions.context, hold, self._cancel_after, Deadline())
        return CreateOptions(headers, cancel_on_exit=False)

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
        for call in window.in_order():
            if isinstance(call.error, Exception):
                errors[call.position] = call.error
            elif call.error is not None:
                raise call.error
            elif call.was_made:
                results[call.position] = call.result
        if self._recorded is not None:
            results = {**self._recorded.results(), **results}
        parts = [
            f"Input {position} failed; the results of {len(results)} others are in .results",
            "by position",
        ]
        if len(errors) > 1:
            parts.append("further errors in .errors")
        if self._failure is None:
            parts.append("and on_error='return' would go on")
        map_error = MapError(f"{', '.join(parts)}. {error}")
        map_error.results = results
        map_error.errors = errors
        map_error.position = position
        map_error.prediction = error.prediction
        return map_error


def wait_for(prediction: Prediction) -> dict[str, Any]:
    """Wait for a prediction, and return its JSON: what an executor is asked to do."""
    return prediction.wait(cancel_on_exit=False).raw


def _call(call: Callable[[], None]) -> None:
    call()


# The maps that are being iterated, to be left when the program ends.
_open_windows: WeakKeyDictionary[BatchRunner, Window[Any, Any]] = WeakKeyDictionary()


def _leave_all() -> None:
    for runner, window in list(_open_windows.items()):
        runner.leave(window)


call_at_exit(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_windows.clear)
