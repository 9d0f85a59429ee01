"""Trainings of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..exceptions import UnknownModelError
from ..http.request import path_segment
from ..payloads.inputs import validate_input
from ..prediction.create import Creator
from ..prediction.create_options import CreateOptions, webhook_fields
from ..prediction.training import Training
from ..refs import ModelRef, parse_name, parse_version
from .base import Resource
from .pages import Pages
from .predictions import Predictions


class Trainings(Resource):
    """Trainings of models: `create`, `get`, `list`, `cancel`.

    Args:
        creator: Creates them.
        predictions: The client's predictions.

    Examples:
        >>> training = client.trainings.create(
        ...     trainer, destination="local/mine", input={"steps": 2}
        ... )
        >>> client.trainings.get(training.id).wait().output["version"]
        'local/mine:...'
    """

    def __init__(self, creator: Creator, predictions: Predictions) -> None:
        super().__init__(creator.context.transport)
        self._creator = creator
        self._predictions = predictions

    def create(
        self,
        version: str,
        *,
        destination: str,
        input: Mapping[str, Any] | None = None,
        webhook: str | None = None,
        webhook_events_filter: str | Iterable[str] | None = None,
    ) -> Training:
        """Start a training, and return it. It is never created twice; see `predictions.create`.

        See https://replicate.com/docs/reference/http#trainings.create

        Args:
            version: What is trained, "owner/name:version".
            destination: The model that gets the new version, "owner/name". It must exist.
            input: The trainer's input.
            webhook: The URL that the API is to call.
            webhook_events_filter: On which events: "start", "output", "logs", "completed".

        Returns:
            The training, which may still run; `wait` waits for it.

        Raises:
            ModelNotFoundError: What is trained, or the destination, does not exist.
            ReplicateError: As `predictions.create` does.

        Examples:
            >>> training = client.trainings.create(
            ...     trainer, destination="local/mine", input={"steps": 2}
            ... )
            >>> training.wait().output["version"]
            'local/mine:...'
        """
        ref = parse_version(version)
        parse_name(destination)
        fields = webhook_fields(webhook, webhook_events_filter)
        return self.start(ref, validate_input(input), {"destination": destination, **fields})

    def start(
        self, ref: ModelRef, validated: Mapping[str, object], fields: Mapping[str, object]
    ) -> Training:
        """Send a request that was prepared, and return its training; see `create`.

        Args:
            ref: What is trained: a model with its version.
            validated: The input, as `validate_input` returns it.
            fields: Further fields of the body.
        """
        trained = str(ref.model)
        create = partial(
            self._creator.create,
            Training,
            f"/models/{trained}/versions/{path_segment(str(ref.version))}/trainings",
            {**fields, "input": validated},
            {"version": str(ref.version)},
            CreateOptions(),
            model=trained,
        )
        try:
            return self._predictions.about_model(trained, create)
        except UnknownModelError as error:
            destination = fields.get("destination")
            error.hint += (
                f" The destination {destination!r} must exist too: models.create makes it."
            )
            raise

    def get(self, training_id: str) -> Training:
        """Return a training by its id.

        See https://replicate.com/docs/reference/http#trainings.get

        Args:
            training_id: The training's id, as in `Training.id`.

        Raises:
            NotFoundError: There is no such training.

        Examples:
            >>> client.trainings.get(training.id).wait().status
            'succeeded'
        """
        path = f"/trainings/{path_segment(training_id)}"
        return self._transport.request(
            "GET", path, build=Training.of_id(training_id, self._creator.context).update
        )

    def list(self, *, limit: int | None = None) -> Pages[Training]:
        """Return an iterator over the account's trainings, newest first.

        See https://replicate.com/docs/reference/http#trainings.list

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> next(client.trainings.list()).id == training.id
            True
        """
        return self._list("/trainings", self.from_json, limit)

    def cancel(self, training_id: str) -> Training:
        """Cancel a training by its id, and return it.

        See https://replicate.com/docs/reference/http#trainings.cancel

        Args:
            training_id: The training's id, as in `Training.id`.

        Returns:
            The training as the API has it now.

        Raises:
            NotFoundError: There is no such training.

        Examples:
            >>> training = client.trainings.create(
            ...     trainer, destination="local/mine", input={"steps": 10_000}
            ... )
            >>> client.trainings.cancel(training.id).status
            'canceled'
        """
        path = f"/trainings/{path_segment(training_id)}/cancel"
        return self._transport.request("POST", path, build=self.from_json)

    def from_json(self, data: object) -> Training:
        """Return the live training that the API's JSON describes, without a request.

        Args:
            data: The API's JSON.

        Raises:
            UnexpectedDataError: It is not a training.

        Examples:
            >>> known = {"id": "abcdefghijklmnop", "status": "succeeded"}
            >>> training = client.trainings.from_json(known)
            >>> training.ended
            True
        """
        return Training(data, self._creator.context)
