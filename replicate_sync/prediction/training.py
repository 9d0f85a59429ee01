"""A training: a model that makes a new version of a model."""

from __future__ import annotations

from collections.abc import Generator

from ..deadline import Deadline
from .prediction import Prediction


class Training(Prediction):
    """One training of a model; its `output` has the new `version` and the `weights`.

    See https://replicate.com/docs/reference/http#trainings.get

    Examples:
        >>> training = client.trainings.create(
        ...     trainer, destination="local/mine", input={"steps": 2}
        ... )
        >>> training.wait().status
        'succeeded'
    """

    label = "Training"
    collection = "trainings"

    @property
    def _stream_url(self) -> None:
        return None

    def stream(
        self, *, deadline: float | Deadline | None = None, cancel_on_exit: bool = True
    ) -> Generator[str, None, None]:
        """Yield what is new in the logs after each poll, until the training has succeeded.

        Args:
            deadline: The seconds that all of it may take.
            cancel_on_exit: Whether closing the generator, or an interruption, cancels it.

        Yields:
            Pieces of the logs.

        Raises:
            PredictionError: As `wait` does.

        Examples:
            >>> training = client.trainings.create(
            ...     trainer, destination="local/mine", input={"steps": 2}
            ... )
            >>> logs = "".join(training.stream())
            >>> "2/2" in logs
            True
        """
        known_length = 0
        for _ in self.events(deadline=deadline, cancel_on_exit=cancel_on_exit):
            if len(self.logs) > known_length:
                yield self.logs[known_length:]
                known_length = len(self.logs)
