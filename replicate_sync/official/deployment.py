"""Deployments, as the official client has them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from .account import Account
from .pagination import Cursor, Page, fetch_page
from .prediction import Prediction, create_on_deployment
from .resource import Namespace, Resource

if TYPE_CHECKING:
    from .client import Client


class Deployment(Resource):
    """A model on hardware of its own."""

    class Release(Resource):
        """A release of a deployment."""

        class Configuration(Resource):
            """The hardware of a release, and how many instances it has."""

            hardware: str
            min_instances: int
            max_instances: int

        _nested: ClassVar[Mapping[str, type[Resource]]] = {
            "created_by": Account,
            "configuration": Configuration,
        }

        number: int
        model: str
        version: str
        created_at: str
        created_by: Account | None
        configuration: Configuration

    _nested: ClassVar[Mapping[str, type[Resource]]] = {"current_release": Release}

    owner: str
    name: str
    current_release: Release | None

    _client: Client

    @property
    def id(self) -> str:
        """Its owner and name: "owner/name"."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """Its owner; the name of former days."""
        warnings.warn("Use `deployment.owner` instead.", DeprecationWarning, stacklevel=2)
        return self.owner

    @property
    def predictions(self) -> DeploymentPredictions:
        """Its predictions: `create`."""
        return DeploymentPredictions(self._client, self)


class Deployments(Namespace):
    """Deployments: `list`, `get`, `create`, `update`, `delete`, and their `predictions`."""

    @property
    def predictions(self) -> DeploymentsPredictions:
        """Predictions of deployments: `create`."""
        return DeploymentsPredictions(self._client)

    def list(self, cursor: Cursor = ...) -> Page[Deployment]:
        """Return a page of the account's deployments.

        Args:
            cursor: `next` or `previous` of another page; by default the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, "/deployments", cursor, self._parse)

    def get(self, name: str) -> Deployment:
        """Return a deployment.

        Args:
            name: "owner/name".

        Raises:
            ReplicateError: There is none.
        """
        owner, name = name.split("/", 1)
        return self._parse(self._client.request("GET", _path(owner, name)))

    def create(self, **params: Any) -> Deployment:
        """Create a deployment, and return it.

        Args:
            **params: `name`, `model`, `version`, `hardware`, `min_instances`, `max_instances`.

        Raises:
            ReplicateError: The API refused.
        """
        if "/" in (params.get("name") or ""):
            params["name"] = params["name"].split("/", 1)[1]
        return self._parse(self._client.request("POST", "/deployments", params, repeatable=False))

    def update(self, deployment_owner: str, deployment_name: str, **params: Any) -> Deployment:
        """Change a deployment, which makes a new release, and return it.

        Args:
            deployment_owner: Its owner.
            deployment_name: Its name.
            **params: `version`, `hardware`, `min_instances`, `max_instances`.

        Raises:
            ReplicateError: The API refused.
        """
        path = _path(deployment_owner, deployment_name)
        return self._parse(self._client.request("PATCH", path, params, repeatable=False))

    def delete(self, deployment_owner: str, deployment_name: str) -> bool:
        """Delete a deployment, and return whether that was accepted.

        Args:
            deployment_owner: Its owner.
            deployment_name: Its name.

        Raises:
            ReplicateError: The API refused.
        """
        self._client.request("DELETE", _path(deployment_owner, deployment_name))
        return True

    def _parse(self, data: dict[str, Any]) -> Deployment:
        deployment = Deployment(**data)
        deployment._client = self._client
        return deployment


class DeploymentPredictions(Namespace):
    """The predictions of one deployment: `create`.

    Args:
        client: Sends the requests.
        deployment: The deployment.
    """

    def __init__(self, client: Client, deployment: Deployment) -> None:
        super().__init__(client)
        self._deployment = deployment

    def create(self, input: dict[str, Any], **params: Any) -> Prediction:
        """Start a prediction on the deployment, and return it.

        Args:
            input: The model's input.
            **params: As in `predictions.create`.

        Raises:
            ReplicateError: The API refused.
        """
        return create_on_deployment(self._client, self._deployment, input, params)


class DeploymentsPredictions(Namespace):
    """Predictions of deployments: `create`."""

    def create(self, deployment: Any, input: dict[str, Any], **params: Any) -> Prediction:
        """Start a prediction on a deployment, and return it.

        Args:
            deployment: A Deployment, "owner/name", or a tuple of both.
            input: The model's input.
            **params: As in `predictions.create`.

        Raises:
            ReplicateError: The API refused.
        """
        return create_on_deployment(self._client, deployment, input, params)


def _path(owner: str, name: str) -> str:
    return f"/deployments/{quote(owner, safe='')}/{quote(name, safe='')}"
