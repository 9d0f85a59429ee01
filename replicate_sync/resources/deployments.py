"""Deployments: models on hardware of their own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..refs import parse_name
from .base import Record, Resource, discard, present_fields
from .bound_predictions import BoundPredictions, DeploymentPredictions
from .pages import Pages
from .predictions import Predictions


class Deployment(Record):
    """A model on hardware of its own.

    Examples:
        >>> client.run(deployment, {"text": "Alice"})
        'hello Alice'
    """

    owner: str | None = None
    name: str | None = None
    current_release: Mapping[str, Any] = MappingProxyType({})

    @property
    def reference(self) -> str:
        """What names it, where a model is to be named: "deployments/owner/name".

        Examples:
            >>> deployment.reference
            'deployments/local/greeter'
        """
        return f"deployments/{self}"

    @property
    def predictions(self) -> BoundPredictions:
        """Its predictions: `create`.

        Examples:
            >>> deployment.predictions.create({"text": "Alice"}).result()
            'hello Alice'
        """
        deployments: Deployments = self._bound()
        return BoundPredictions(deployments.predictions.all, deployment=str(self))

    def update(
        self,
        *,
        version: str | None = None,
        hardware: str | None = None,
        min_instances: int | None = None,
        max_instances: int | None = None,
    ) -> Deployment:
        """Change the deployment, which makes a new release, and return that.

        Args:
            version: As in `deployments.update`; likewise all other arguments.
            hardware: See there.
            min_instances: See there.
            max_instances: See there.

        Returns:
            The deployment as it is now.

        Raises:
            NotFoundError: See there.

        Examples:
            >>> deployment.update(max_instances=2).current_release["configuration"]["max_instances"]
            2
        """
        deployments: Deployments = self._bound()
        return deployments.update(
            str(self),
            version=version,
            hardware=hardware,
            min_instances=min_instances,
            max_instances=max_instances,
        )

    def delete(self) -> None:
        """Delete the deployment, which is offline.

        Raises:
            NotFoundError: There is no such deployment.

        Examples:
            >>> deployment.delete()
        """
        deployments: Deployments = self._bound()
        deployments.delete(str(self))

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class Deployments(Resource):
    """Deployments: `list`, `create`, `get`, `update`, `delete`, and their `predictions`.

    Args:
        predictions: The client's predictions.

    Examples:
        >>> client.deployments.get("local/greeter").name
        'greeter'
    """

    def __init__(self, predictions: Predictions) -> None:
        super().__init__(predictions.context.transport)
        self.predictions: DeploymentPredictions = DeploymentPredictions(predictions)

    def list(self, *, limit: int | None = None) -> Pages[Deployment]:
        """Return an iterator over the account's deployments.

        See https://replicate.com/docs/reference/http#deployments.list

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> "greeter" in [deployment.name for deployment in client.deployments.list()]
            True
        """
        return self._list("/deployments", self.from_json, limit)

    def create(
        self,
        *,
        name: str,
        model: str,
        version: str,
        hardware: str,
        min_instances: int,
        max_instances: int,
    ) -> Deployment:
        """Create a deployment, and return it.

        See https://replicate.com/docs/reference/http#deployments.create

        Args:
            name: Its name, without an owner.
            model: The model, "owner/name".
            version: The id of the model's version, 64 hexadecimal digits.
            hardware: A SKU of `hardware.list()`.
            min_instances: How many instances are always up, 0 to 5.
            max_instances: How many there may be, 0 to 20.

        Returns:
            The deployment with its first release.

        Raises:
            InputRejectedError: The API refused a field.

        Examples:
            >>> version = client.models.get("replicate/hello-world").latest_version.id
            >>> deployment = client.deployments.create(
            ...     name="made",
            ...     model="replicate/hello-world",
            ...     version=version,
            ...     hardware="cpu",
            ...     min_instances=0,
            ...     max_instances=1,
            ... )
            >>> deployment.name
            'made'
        """
        body = {
            "name": name,
            "model": parse_name(model),
            "version": version,
            "hardware": hardware,
            "min_instances": min_instances,
            "max_instances": max_instances,
        }
        return self._transport.request(
            "POST", "/deployments", body, repeatable=False, build=self.from_json
        )

    def get(self, deployment: str) -> Deployment:
        """Return a deployment.

        See https://replicate.com/docs/reference/http#deployments.get

        Args:
            deployment: "owner/name".

        Raises:
            NotFoundError: There is no such deployment.

        Examples:
            >>> client.deployments.get("local/greeter").name
            'greeter'
        """
        path = f"/deployments/{parse_name(deployment)}"
        return self._transport.request("GET", path, build=self.from_json)

    def update(
        self,
        deployment: str,
        *,
        version: str | None = None,
        hardware: str | None = None,
        min_instances: int | None = None,
        max_instances: int | None = None,
    ) -> Deployment:
        """Change a deployment, which makes a new release, and return it. What is None stays.

        See https://replicate.com/docs/reference/http#deployments.update

        Args:
            deployment: "owner/name".
            version: The id of the model's version.
            hardware: A SKU of `hardware.list()`.
            min_instances: How many instances are always up.
            max_instances: How many there may be.

        Returns:
            The deployment with its new release.

        Raises:
            NotFoundError: There is no such deployment.

        Examples:
            >>> deployment = client.deployments.update("local/greeter", max_instances=2)
            >>> deployment.current_release["configuration"]["max_instances"]
            2
        """
        body = present_fields(
            version=version,
            hardware=hardware,
            min_instances=min_instances,
            max_instances=max_instances,
        )
        path = f"/deployments/{parse_name(deployment)}"
        return self._transport.request("PATCH", path, body, repeatable=False, build=self.from_json)

    def delete(self, deployment: str) -> None:
        """Delete a deployment that is offline.

        See https://replicate.com/docs/reference/http#deployments.delete

        Args:
            deployment: "owner/name".

        Raises:
            NotFoundError: There is no such deployment.

        Examples:
            >>> client.deployments.delete("local/greeter")
        """
        self._transport.request("DELETE", f"/deployments/{parse_name(deployment)}", build=discard)

    def from_json(self, data: object) -> Deployment:
        """Return the deployment that the API's JSON describes, without a request.

        Args:
            data: The API's JSON.

        Examples:
            >>> str(client.deployments.from_json({"owner": "me", "name": "mine"}))
            'me/mine'
        """
        return Deployment.from_json(data, self)
