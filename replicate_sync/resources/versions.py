"""The versions of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from ..http.request import path_segment
from ..payloads.input_schema import Inputs
from ..payloads.schemas import ModelSchema, schemas_of_version
from ..refs import parse_name, parse_version
from .base import Record, Resource, discard
from .bound_predictions import BoundPredictions
from .pages import Pages
from .predictions import Predictions

_Returned = TypeVar("_Returned")


class Version(Record):
    """One version of a model; `inputs` is what it takes, as a table.

    Examples:
        >>> version = client.models.get("replicate/hello-world").latest_version
        >>> client.run(version, {"text": "Alice"})
        'hello Alice'
    """

    _hidden_fields = ("openapi_schema",)

    id: str | None = None
    created_at: str | None = None
    cog_version: str | None = None
    openapi_schema: Mapping[str, Any] | None = None

    @property
    def predictions(self) -> BoundPredictions:
        """Its predictions: `create`.

        Examples:
            >>> version = client.models.get("replicate/hello-world").latest_version
            >>> version.predictions.create({"text": "Alice"}).result()
            'hello Alice'
        """
        versions: Versions = self._bound()
        return BoundPredictions(versions.predictions, model=str(self))

    @property
    def schemas(self) -> Mapping[str, Any] | None:
        """The `components.schemas` of its OpenAPI document; None where the API does not say.

        Examples:
            >>> version = client.models.get("replicate/hello-world").latest_version
            >>> sorted(version.schemas)
            [...'Input'...'Output'...]
        """
        return schemas_of_version(self.raw)

    @property
    def inputs(self) -> Inputs:
        """Its inputs: names, types, defaults, choices, limits and descriptions.

        Examples:
            >>> version = client.models.get("replicate/hello-world").latest_version
            >>> "text" in version.inputs
            True
        """
        return ModelSchema.parse(self.schemas).inputs

    def __str__(self) -> str:
        return str(self.id)


class ModelVersions:
    """The versions of one model: `list`, `get`, `delete`.

    Args:
        versions: The versions of all models.
        model: The model, "owner/name".

    Examples:
        >>> model = client.models.get("replicate/hello-world")
        >>> len(list(model.versions.list()))
        1
    """

    def __init__(self, versions: Versions, model: str) -> None:
        self._versions = versions
        self._model = model

    def list(self, *, limit: int | None = None) -> Pages[Version]:
        """Return an iterator over its versions, newest first.

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            ReplicateError: As `versions.list` of the client does.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> len(list(model.versions.list()))
            1
        """
        return self._versions.list(self._model, limit=limit)

    def get(self, version_id: str) -> Version:
        """Return a version by its id.

        Raises:
            ModelNotFoundError: There is no such version.

        Examples:
            >>> model = client.models.get("replicate/hello-world")
            >>> version = model.versions.get(model.latest_version.id)
            >>> "text" in version.inputs
            True
        """
        return self._versions.get(f"{self._model}:{path_segment(version_id)}")

    def delete(self, version_id: str) -> None:
        """Delete a version by its id.

        Raises:
            ModelNotFoundError: There is no such version.

        Examples:
            >>> model = client.models.get("local/mine")
            >>> model.versions.delete(model.latest_version.id)
        """
        self._versions.delete(f"{self._model}:{path_segment(version_id)}")


class Versions(Resource):
    """The versions of models: `list`, `get`, `delete`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> versions = list(client.models.versions.list("replicate/hello-world"))
        >>> len(versions)
        1
    """

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions.context.transport)
        #: The client's predictions.
        self.predictions: Predictions = predictions

    def list(self, model: str, *, limit: int | None = None) -> Pages[Version]:
        """Return an iterator over the versions of a model, newest first.

        See https://replicate.com/docs/reference/http#models.versions.list

        Args:
            model: "owner/name".
            limit: After how many of them to stop; None for all.

        Raises:
            ModelNotFoundError: The name is wrong, or there is no such model.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> versions = list(client.models.versions.list("replicate/hello-world"))
            >>> len(versions)
            1
        """
        name = parse_name(model)
        around = partial(self.predictions.about_model, name)
        path = f"/models/{name}/versions"
        return self._list(path, self.from_json, limit, model=name, around=around)

    def get(self, version: str) -> Version:
        """Return a version.

        See https://replicate.com/docs/reference/http#models.versions.get

        Args:
            version: "owner/name:version".

        Raises:
            ModelNotFoundError: There is no such version.

        Examples:
            >>> [version] = client.models.versions.list("replicate/hello-world")
            >>> client.models.versions.get(f"replicate/hello-world:{version.id}").id == version.id
            True
        """
        return self._request("GET", version, self.from_json)

    def delete(self, version: str) -> None:
        """Delete a version of a model of one's own.

        See https://replicate.com/docs/reference/http#models.versions.delete

        Args:
            version: "owner/name:version".

        Raises:
            ModelNotFoundError: There is no such version.

        Examples:
            >>> client.models.versions.delete(training.output["version"])
        """
        self._request("DELETE", version, discard)

    def _request(self, method: str, version: str, build: Callable[[Any], _Returned]) -> _Returned:
        ref = parse_version(version)
        path = f"/models/{ref.model}/versions/{ref.version}"
        send = partial(self._transport.request, method, path, model=version, build=build)
        return self.predictions.about_model(str(ref.model), send)

    def from_json(self, data: object) -> Version:
        """Return the version that the API's JSON describes, without a request.

        Args:
            data: The API's JSON.

        Examples:
            >>> client.models.versions.from_json({"id": "5c7d5dc6"}).id
            '5c7d5dc6'
        """
        return Version.from_json(data, self)
