"""Trainings, as the official client has them. None is ever created twice."""

from __future__ import annotations

from typing import Any

from ..prediction.prediction import Prediction as NativePrediction
from ..refs import ModelRef
from ..resources.base import present_fields
from .exceptions import as_official_errors
from .helpers import encode_json
from .identifier import ModelVersionIdentifier, owner_and_name
from .pagination import Cursor, Page, fetch_page
from .prediction import LiveResource
from .resource import Namespace, path_id

_POSITIONAL = ("destination", "webhook", "webhook_completed", "webhook_events_filter")


class Training(LiveResource):
    """One training of a model."""

    _fields = (
        "id",
        "model",
        "version",
        "destination",
        "status",
        "input",
        "output",
        "logs",
        "error",
        "created_at",
        "started_at",
        "completed_at",
        "urls",
    )
    destination: str | None

    def _take(self, data: Any) -> None:
        super()._take(data)
        if isinstance(self.output, dict) and "version" in self.output:
            made = ModelVersionIdentifier.parse(self.output["version"])
            self.destination = f"{made.owner}/{made.name}"


class Trainings(Namespace):
    """Trainings: `create`, `get`, `list`, `cancel`."""

    def list(self, cursor: Cursor = ...) -> Page[Training]:
        """Return a page of the account's trainings, newest first.

        Args:
            cursor: `next` or `previous` of another page; by default the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, "/trainings", cursor, self._parse)

    def get(self, id: str) -> Training:
        """Return a training by its id.

        Raises:
            ReplicateError: There is none.
        """
        return self._parse(self._client.request("GET", f"/trainings/{path_id(id)}"))

    def cancel(self, id: str) -> Training:
        """Cancel a training by its id, and return it.

        Raises:
            ReplicateError: There is none.
        """
        path = f"/trainings/{path_id(id)}/cancel"
        return self._parse(self._client.request("POST", path))

    def create(
        self,
        *args: Any,
        model: Any = None,
        version: Any = None,
        input: dict[str, Any] | None = None,
        **params: Any,
    ) -> Training:
        """Start a training, and return it.

        Args:
            *args: "owner/name:version", the input, the destination, and the webhook, in this order.
            model: What is trained: a Model, "owner/name", or a tuple of both.
            version: Its Version, or the version's id; without a model, "owner/name:version".
            input: The trainer's input.
            **params: `destination`, which must be there, `webhook`, `webhook_completed`,
                `webhook_events_filter`, and `file_encoding_strategy`.

        Raises:
            ValueError: What is trained, or the destination, is not said.
            ReplicateError: The API refused.
        """
        ref: ModelRef | None = None
        if args:
            ref = _parse_shorthand(args[0])
            input = args[1] if len(args) > 1 else input
            params.update(zip(_POSITIONAL, args[2:], strict=False))
        elif model and version:
            name = "/".join(_model_of(model))
            ref = ModelRef(name, getattr(version, "id", version))
        elif model is None and isinstance(version, str):
            ref = _parse_shorthand(version)
        if ref is None:
            raise ValueError("model and version or shorthand version must be specified")
        if params.get("destination") is None:
            raise ValueError("A destination must be provided as a positional or keyword argument.")
        fields = present_fields(**{name: params.get(name) for name in _POSITIONAL[1:]})
        fields["destination"] = _name_of(params["destination"])
        encoded = encode_json(input or {}, self._client, params.get("file_encoding_strategy"))
        with as_official_errors():
            created = self._client.native.trainings.start(ref, encoded, fields)
        return self._of(created)

    def _parse(self, data: dict[str, Any]) -> Training:
        return self._of(self._client.native.trainings.from_json(data))

    def _of(self, native: NativePrediction) -> Training:
        return Training.of(self._client, native)


def _parse_shorthand(ref: str) -> ModelRef:
    owner, name, version = ModelVersionIdentifier.parse(ref)
    return ModelRef(f"{owner}/{name}", version)


def _model_of(model: Any) -> tuple[str, str]:
    if isinstance(model, str):
        owner, name, _ = ModelVersionIdentifier.parse(model)
        return owner, name
    return owner_and_name(model, "model")


def _name_of(destination: Any) -> str:
    if isinstance(destination, str):
        return destination
    return "/".join(owner_and_name(destination, "model"))
