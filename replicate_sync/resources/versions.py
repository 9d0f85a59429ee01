"""The versions of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..payloads.schemas import Inputs, ModelSchema, schemas_of_version
from ..refs import ModelRef, parse_name, parse_version
from .base import Record, Resource, discard
from .pages import Pages


class Version(Record):
    """One version of a model; `inputs` is what it takes, as a table."""

    _hidden_fields = ("openapi_schema",)

    id: str | None = None
    created_at: str | None = None
    cog_version: str | None = None
    openapi_schema: Mapping[str, Any] | None = None

    @property
    def schemas(self) -> Mapping[str, Any] | None:
        """The `components.schemas` of its OpenAPI document; None where the API does not say."""
        return schemas_of_version(self.raw)

    @property
    def inputs(self) -> Inputs:
        """Its inputs: names, types, defaults, choices, limits and descriptions."""
        return ModelSchema.parse(self.schemas).inputs


class Versions(Resource):
    """The versions of models: `list`, `get`, `delete`."""

    def list(self, model: str, *, limit: int | None = None) -> Pages[Version]:
        """Return an iterator over the versions of a model, newest first.

        See https://replicate.com/docs/reference/http#models.versions.list

        Args:
            model: "owner/name".
            limit: After how many of them to stop; None for all.
        """
        return self._list(f"/models/{parse_name(model)}/versions", Version.from_json, limit)

    def get(self, version: str) -> Version:
        """Return a version.

        See https://replicate.com/docs/reference/http#models.versions.get

        Args:
            version: "owner/name:version".

        Raises:
            ModelNotFoundError: There is no such version.
        """
        ref = parse_version(version)
        return self._transport.request("GET", _path(ref), model=version, build=Version.from_json)

    def delete(self, version: str) -> None:
        """Delete a version of a model of one's own.

        See https://replicate.com/docs/reference/http#models.versions.delete

        Args:
            version: "owner/name:version".

        Raises:
            ModelNotFoundError: There is no such version.
        """
        ref = parse_version(version)
        self._transport.request("DELETE", _path(ref), model=version, build=discard)


def _path(ref: ModelRef) -> str:
    return f"/models/{ref.model}/versions/{ref.version}"
