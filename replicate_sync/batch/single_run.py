"""One run that a journal remembers, found there by its model, its input and its name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..deadline import Deadline
from ..exceptions import Interruption, InvalidInputError
from ..payloads.result_files import Saver
from ..prediction.create_options import CreateOptions, PredictionRequest
from ..prediction.prediction import Prediction
from ..resources.predictions import Predictions
from .journal import Journal
from .map_options import JournalOptions
from .recorded_runs import RecordedRuns, run_key
from .run import Run

_LEFT = "What was created goes on, and the same call with the same journal fetches its result."


class _SharedJournal:
    """A journal that several threads use at a time, each for another run."""

    def __init__(self, path: str) -> None:
        self.journal = Journal(path)
        #: The positions of the runs that are under way, by their keys.
        self.positions: dict[str, int] = {}

    def begin(self, key: str) -> int:
        """Note that a run is under way, and return its position.

        Raises:
            InvalidInputError: It already is.
        """
        if key in self.positions:
            raise InvalidInputError(
                "Another thread does the same run with the same journal.",
                hint="Give each of equal runs a key= of its own.",
            )
        position = self.journal.position_of(key)
        if position in self.positions.values():  # no row yet has either of them
            position = min(self.positions.values()) - 1
        self.positions[key] = position
        return position


class _OpenJournals:
    """The journals of single runs that are open in this process, by their paths."""

    def __init__(self) -> None:
        self.by_path: dict[str, _SharedJournal] = {}
        self.lock = threading.Lock()


_open = _OpenJournals()
if hasattr(os, "register_at_fork"):
    # A child has none of them, and no lock that another thread of its parent held.
    os.register_at_fork(after_in_child=_open.__init__)  # type: ignore[misc]


def prepare_run(
    predictions: Predictions,
    request: PredictionRequest,
    options: CreateOptions,
    *,
    validate: bool | None,
    name: str,
) -> Run:
    """Return a run of a request.

    Args:
        predictions: Creates its prediction.
        request: What to run.
        options: How it is created, and waited for.
        validate: As in `Predictions.create`.
        name: What tells it from others of the same model and input.

    Raises:
        InvalidInputError: The name is not a text.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"key must be a text, not {name!r}.")

    def wait(prediction: Prediction) -> None:
        prediction.wait(deadline=options.deadline, cancel_on_exit=False, progress=options.progress)

    return Run(
        request,
        plan=lambda: predictions.plan(request, options, validate=validate),
        send=lambda creation: predictions.send(creation, options),
        wait=wait,
        name=name,
    )


def run_once(
    predictions: Predictions,
    run: Run,
    options: JournalOptions,
    saver: Saver | None,
    deadline: Deadline,
) -> object:
    """Return the result of a run: the one in the journal, or that of a new prediction.

    Args:
        predictions: Creates predictions.
        run: What to run.
        options: The journal, and how it is used.
        saver: Saves the files of the result, or None.
        deadline: The deadline of the call.

    Raises:
        InvalidInputError: Another process uses the journal, or another thread does the same run.
        JournalError: The journal cannot be written.
        PredictionError: The prediction has failed, has expired, or may exist.
    """
    key = run_key(run.request, run.name)
    with _opened(options.path, key) as (journal, position):
        recorded = RecordedRuns(predictions, journal, options, saver, deadline)
        try:
            return recorded.result(position, run)
        except KeyboardInterrupt as interrupt:
            known = Interruption.of(interrupt) or Interruption()
            Interruption(_LEFT, known.prediction).attach_to(interrupt)
            raise


@contextmanager
def _opened(path: str, key: str) -> Iterator[tuple[Journal, int]]:
    """Open a journal for one run; it is closed after the last of those under way."""
    place = os.path.realpath(path)
    with _open.lock:
        shared = _open.by_path.get(place) or _SharedJournal(place)
        position = shared.begin(key)
        _open.by_path[place] = shared
    try:
        yield shared.journal, position
    finally:
        with _open.lock:
            del shared.positions[key]
            if not shared.positions:
                del _open.by_path[place]
                shared.journal.close()


def run_with_journal(
    predictions: Predictions,
    run: Run,
    options: JournalOptions,
    saver: Saver | None,
    deadline: Deadline,
) -> tuple[Prediction, object]:
    """Return the prediction of a run and its result; see `run_once`."""
    waited_for: list[Prediction] = []

    def wait(prediction: Prediction) -> None:
        waited_for.append(prediction)
        run.wait(prediction)

    result = run_once(predictions, run._replace(wait=wait), options, saver, deadline)
    return waited_for[-1], result
