"""Many runs of one model: each paid for once, also when the program is killed and started again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from . import inputs
from .batch import Window, at_the_end, elsewhere
from .deadlines import Deadline
from .errors import InvalidInputError, MapError, PredictionError, ReplicateError, ResponseError, stopped
from .predictions import LAST, PARTING, Prediction
from .runnable import Predictions

if TYPE_CHECKING:
    from .journal import Entry, Journal

OnError = Literal["raise", "return"]

_log = logging.getLogger("replicate_sync")


def waited(prediction: Prediction) -> dict[str, Any]:
    """Wait for a prediction and give it as the API describes it: what an executor is asked to do."""
    return prediction.wait(cancel_on_exit=False).raw


class Runs:
    """Runs a model on many inputs, a window of them in flight; `results` gives what they give.

    Without a journal, leaving early cancels what is in flight; with one, it runs on, to be fetched at the next start.
    """

    def __init__(
        self,
        predictions: Predictions,
        model: str,
        result: Callable[[Prediction], Any],
        *,
        executor: Executor | None,
        journal: str | os.PathLike[str] | None,
    ) -> None:
        self._predictions = predictions
        self._model = model
        self._result = result
        self._executor = executor
        self._journal: Journal | None = None
        if journal is not None:
            from .journal import Journal  # late, as sqlite3 takes time that most programs need not spend

            self._journal = Journal(journal)
            predictions.claim(*self._journal.ids())
        self._asking: dict[int, tuple[Mapping[str, Any], float]] = {}
        self._live: dict[int, Prediction] = {}
        self._limit = Deadline()

    def results(
        self, given: Iterable[Mapping[str, Any]], concurrency: int, ordered: bool, on_error: OnError
    ) -> Iterator[Any]:
        """Yield the results, lazily; see `Replicate.map`."""
        window = Window(self._run, given, concurrency)
        so_far: dict[int, Any] = {}
        _open[self] = window
        try:
            for position, future in window.in_order() if ordered else window.as_they_come():
                if error := future.exception():
                    if not isinstance(error, ReplicateError):
                        raise error
                    if on_error == "raise":
                        raise self._failed(position, error, so_far, window) from error
                    yield error
                    continue
                if on_error == "raise":
                    so_far[position] = future.result()
                yield future.result()
        except KeyboardInterrupt as leaving:
            stopped(leaving, self._aftermath())
            raise
        finally:
            _open.pop(self, None)
            self._leave(window)

    def _aftermath(self) -> str:
        """Say what has become of what was in flight, for somebody who stopped the map."""
        many = len(self._live) + len(self._asking)
        flight = f"{many} prediction{'' if many == 1 else 's'} in flight"
        if self._journal:
            return f"{flight} will run on, and the same map with the same journal fetches what they give."
        return f"{flight} will be canceled."

    def _run(self, position: int, given: Mapping[str, Any]) -> Any:
        """Give the result of one input, in a thread of the window."""
        try:
            prediction = self._started(position, inputs.checked(given))
            self._live[position] = prediction
            if self._limit.passed and not self._journal:
                prediction.abandon()
            self._finish(prediction)
        except PredictionError as error:
            if self._journal and error.prediction is not None and error.prediction.ended:
                self._journal.ended(position, error.prediction.raw)
            raise
        finally:
            self._live.pop(position, None)
        if self._journal:
            self._journal.ended(position, prediction.raw)
        return self._result(prediction)

    def _started(self, position: int, draft: dict[str, Any]) -> Prediction:
        if self._journal is None:
            hold = 0 if self._executor else 60
            return self._asked(position, self._predictions.placed(draft), hold)
        # An uploaded file has another address at each start, so its content is what tells the input.
        key = self._journal.key(self._model, inputs.encode(inputs.sent(draft, inputs.Upload.digest)))
        entry = self._journal.entry(position, key)
        known = self._known(entry) if entry else None
        if known is not None:
            return known
        given = self._predictions.placed(draft)
        if entry and (found := self._predictions.find(self._model, given, entry.asked)):
            self._journal.created(position, found.id)
            return found
        return self._noted(position, key, given)

    def _noted(self, position: int, key: str, given: dict[str, Any]) -> Prediction:
        """Create, with the journal knowing of it before."""
        assert self._journal
        self._journal.asks(position, key, time())
        try:
            return self._asked(position, given, 0)
        except ReplicateError as error:
            if not getattr(error, "maybe_created", False):
                self._journal.not_created(position)
            raise

    def _asked(self, position: int, given: dict[str, Any], hold: float) -> Prediction:
        self._asking[position] = given, time()
        try:
            if self._limit.passed:
                raise ReplicateError("The map was left before this input was begun.")
            made = self._predictions.create(self._model, given, wait=hold, cancel_on_exit=False)
            if self._journal:
                self._journal.created(position, made.id)
            return made
        finally:
            self._asking.pop(position)

    def _known(self, entry: Entry) -> Prediction | None:
        """Give the prediction that an earlier start made for an input, where its id is known."""
        if entry.ended:
            return self._predictions.known(entry.ended)
        if entry.id is None:
            return None
        try:
            known = self._predictions.get(entry.id)
        except ResponseError as error:
            if error.status_code != 404:
                raise
            raise _expired(entry.id, None) from error
        if known.data_removed and known.output is None:
            raise _expired(entry.id, known)
        return known

    def _finish(self, prediction: Prediction) -> None:
        if self._executor is None or prediction.ended:
            prediction.wait(deadline=self._limit, cancel_on_exit=False)
            return
        try:
            prediction.take(elsewhere(self._executor, waited, prediction))
        except ReplicateError:
            raise
        except Exception as error:
            # A worker that died, or could not be reached: the prediction has not, so wait for it here.
            _log.warning("prediction %s is waited for here, as the executor failed: %s", prediction.id, error)
            prediction.wait(deadline=self._limit, cancel_on_exit=False)

    def _failed(self, position: int, error: ReplicateError, so_far: dict[int, Any], window: Window[Any, Any]) -> MapError:
        """Let what is in flight end, as it is paid for, and give all results with the error."""
        window.stop()
        errors: dict[int, Exception] = {position: error}
        for other, future in window.in_order():
            self._collect(other, future, so_far, errors)
        further = ", further errors in .errors" if len(errors) > 1 else ""
        failed = MapError(
            f"Input {position} failed; the results of {len(so_far)} others are in .results, by position{further}, and "
            f"on_error='return' would go on. {error}"
        )
        failed.results, failed.errors, failed.position = so_far, errors, position
        failed.prediction = error.prediction
        return failed

    @staticmethod
    def _collect(position: int, future: Future[Any], results: dict[int, Any], errors: dict[int, Exception]) -> None:
        if future.cancelled():
            return
        if isinstance(error := future.exception(), Exception):
            errors[position] = error
        else:
            results[position] = future.result()

    def _leave(self, window: Window[Any, Any], *, at_the_end: bool = False) -> None:
        self._limit.cut()
        window.close()
        if self._journal:
            end = monotonic() + PARTING
            while self._asking and monotonic() < end:
                sleep(0.01)  # what is in the air lands in the journal
            self._journal.close()  # what is in flight runs on, and is fetched at the next start
            return
        live = [*self._live.values(), *self._asking.values()]
        if at_the_end:  # when no more threads can be started
            end = monotonic() + LAST
            for left in live:
                if monotonic() < end:
                    self._abandon(0, left)
            return
        for _ in Window[object, None](self._abandon, live, max(1, min(len(live), 32))).as_they_come():
            pass

    def _abandon(self, _: int, left: Any) -> None:
        """Cancel what is in flight, also where its id is not known here yet."""
        if isinstance(left, tuple):
            found = self._predictions.find(self._model, *left, parting=PARTING)
            if found is None:
                return
            left = found
        left.abandon()


def _expired(prediction_id: str, prediction: Prediction | None) -> PredictionError:
    error = PredictionError(
        f"Prediction {prediction_id} ended while nobody waited, and its output was removed: Replicate keeps one for an "
        "hour. It was paid for; to run its input again, take a new journal for it."
    )
    error.prediction = prediction
    return error


def checked(concurrency: int, on_error: str, executor: Executor | None) -> None:
    """Raise InvalidInputError for arguments of a map that cannot be kept."""
    if not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        raise InvalidInputError(f"concurrency must be a number of 1 or more, not {concurrency!r}.")
    if on_error not in ("raise", "return"):
        raise InvalidInputError(f"on_error must be 'raise' or 'return', not {on_error!r}.")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidInputError("executor must be a concurrent.futures.Executor.")


_open: WeakKeyDictionary[Runs, Window[Any, Any]] = WeakKeyDictionary()


def _leave_all() -> None:
    for runs, window in list(_open.items()):
        runs._leave(window, at_the_end=True)


at_the_end(_leave_all)
