"""A training: a model that makes a new version of a model, that can be waited for and canceled as a prediction is."""

from __future__ import annotations

from collections.abc import Generator

from .deadlines import Deadline
from .predictions import Prediction


class Training(Prediction):
    """One training of a model; its `output` has the new `version` and the `weights`.

    https://replicate.com/docs/reference/http#trainings.get
    """

    noun = "Training"
    collection = "trainings"

    @property
    def _stream_url(self) -> None:
        return None

    def stream(self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True) -> Generator[str, None, None]:
        """Yield what is new in the logs after each look, until the training has succeeded.

        `deadline`, `cancel_on_exit` and the errors are those of `wait`.
        """
        told = 0
        for _ in self.events(deadline=deadline, cancel_on_exit=cancel_on_exit):
            if len(self.logs) > told:
                yield self.logs[told:]
                told = len(self.logs)
