"""The schemas of models, as far as they have been fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ModelNotFoundError, ReplicateError, ResponseError
from ..refs import IDENTIFIER, ModelRef, is_name
from .json_schema import mapping_at
from .schemas import UNKNOWN_SCHEMA, ModelSchema, latest_version_of_model, schemas_of_version

if TYPE_CHECKING:
    from ..http.transport import Transport

_HIDDEN_VERSION = "hidden"  # what the API says of a prediction of an official model
_NO_SCHEMA_STATUSES = (401, 403, 404)


class SchemaCache:
    """Fetches each schema when it is first needed, and keeps it for the client's life.

    Args:
        transport: Sends the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        #: By version id, for a latest version by "owner/name", for a deployment by its reference.
        self._schemas: dict[str, ModelSchema] = {}
        #: The keys of those that the caller has asked for, not those that an output needed.
        self._requested: set[str] = set()

    def latest_version(self, model: str, deadline: Deadline = NO_DEADLINE) -> str:
        """Return the id of a model's latest version, and keep its schema.

        See https://replicate.com/docs/reference/http#models.get

        Args:
            model: "owner/name".
            deadline: The deadline of the call.

        Raises:
            ModelNotFoundError: There is no such model, or it has no version.
        """
        version = self._transport.request(
            "GET",
            f"/models/{model}",
            model=model,
            deadline=deadline,
            build=latest_version_of_model,
        )
        if version is None:
            raise ModelNotFoundError(
                f"The model {model!r} has no version that could be run.",
                hint="Ask its owner to publish one.",
            )
        schema = _parse_version(version)
        version_id = str(version["id"])
        self._schemas[model] = schema
        self._schemas[version_id] = schema
        return version_id

    def get(self, ref: ModelRef, *, fetch: bool, deadline: Deadline = NO_DEADLINE) -> ModelSchema:
        """Return the schema of a model that is about to run.

        Args:
            ref: The model. Without a version, the latest one is meant.
            fetch: Whether to fetch a schema that is not known yet.
            deadline: The deadline of the call.

        Returns:
            The schema; one that says nothing if it is not known.
        """
        if not fetch:
            return self._schemas.get(ref.version or ref.model or str(ref), UNKNOWN_SCHEMA)
        if ref.deployment:
            return self._of_deployment(ref, deadline)
        return self.for_output(ref.model, ref.version, deadline)

    def for_validation(
        self, ref: ModelRef, *, fetch: bool, deadline: Deadline = NO_DEADLINE
    ) -> ModelSchema:
        """Return the schema that an input is validated against before it is sent.

        It is one that the caller has asked for, so that no run teaches what would refuse the same
        input in the next one.

        Args:
            ref: The model.
            fetch: Whether the caller asks for it now.
            deadline: The deadline of the call.

        Returns:
            The schema; one that says nothing if it has not been asked for.
        """
        key = ref.version or ref.model or str(ref)
        if fetch:
            self._requested.add(key)
        if key in self._requested:
            return self.get(ref, fetch=fetch, deadline=deadline)
        return UNKNOWN_SCHEMA

    def for_output(
        self, model: str | None, version: str | None, deadline: Deadline = NO_DEADLINE
    ) -> ModelSchema:
        """Return the schema of the version that a prediction ran, fetched if it is not known yet.

        Args:
            model: The prediction's model, "owner/name".
            version: The prediction's version.
            deadline: The deadline of the call.

        Returns:
            The schema; one that says nothing if the API does not return it. A missing schema is
            not an error: the prediction has already been paid for.
        """
        if version == _HIDDEN_VERSION:
            version = None
        key = version or model
        if not key:
            return ModelSchema.unknown()
        if key not in self._schemas and _is_path(model, version):
            return self._fetch(str(model), version, deadline)
        return self._schemas.get(key) or ModelSchema.unknown()

    def _of_deployment(self, ref: ModelRef, deadline: Deadline) -> ModelSchema:
        """Return the schema of what a deployment runs now; it is looked up once."""
        key = str(ref)
        if key not in self._schemas:
            try:
                model, version = self._transport.request(
                    "GET",
                    f"/deployments/{ref.deployment}",
                    deadline=deadline,
                    build=_parse_release,
                )
            except ReplicateError:  # the create tells what is wrong
                return UNKNOWN_SCHEMA
            self._schemas[key] = self.for_output(model, version, deadline)
        return self._schemas[key]

    def _fetch(self, model: str, version: str | None, deadline: Deadline) -> ModelSchema:
        key = version or model
        path = f"/models/{model}"
        build = _parse_latest_version
        if version:
            path = f"/models/{model}/versions/{version}"
            build = _parse_version
        try:
            schema = self._transport.request("GET", path, deadline=deadline, build=build)
        except ResponseError as error:
            if error.status_code == 404 and version:
                return self.for_output(model, None, deadline)
            if error.status_code in _NO_SCHEMA_STATUSES:
                self._schemas[key] = ModelSchema.unknown()
            return ModelSchema.unknown()
        except ReplicateError:
            return ModelSchema.unknown()
        self._schemas[key] = schema
        return schema


def _is_path(model: str | None, version: str | None) -> bool:
    """Return whether what a prediction says of its model may stand in a path."""
    return is_name(model) and (not version or IDENTIFIER.fullmatch(version) is not None)


def _parse_release(data: object) -> tuple[str | None, str | None]:
    """Return the model and the version that a deployment runs."""
    release: Mapping[str, object] = {}
    if isinstance(data, Mapping):
        release = mapping_at(data, "current_release")
    names = {name: value for name, value in release.items() if isinstance(value, str)}
    return names.get("model"), names.get("version")


def _parse_version(data: object) -> ModelSchema:
    return ModelSchema.parse(schemas_of_version(data))


def _parse_latest_version(data: object) -> ModelSchema:
    return _parse_version(latest_version_of_model(data))
