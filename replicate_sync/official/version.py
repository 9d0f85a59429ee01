"""Versions of models. `Versions.delete` is True where the API accepted it, with 202 as with 204."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .identifier import owner_and_name
from .pagination import Page, fetch_page
from .resource import Namespace, Resource, path_id

if TYPE_CHECKING:
    from .client import Client


class Version(Resource):
    """A version of a model."""

    id: str
    created_at: datetime
    cog_version: str
    openapi_schema: dict[str, Any]

    def _parse(self, name: str, value: Any) -> Any:
        if name == "created_at" and isinstance(value, str):
            try:
                return datetime.fromisoformat(value.replace("Z", "+00:00"))
            except ValueError:
                return value
        return value


class Versions(Namespace):
    """The versions of one model: `get`, `list`, `delete`.

    Args:
        client: Sends the requests.
        model: A Model, "owner/name", or a tuple of both.
    """

    def __init__(self, client: Client, model: Any) -> None:
        super().__init__(client)
        self.model: tuple[str, str] = owner_and_name(model, "model")

    @property
    def _path(self) -> str:
        owner, name = self.model
        return f"/models/{quote(owner, safe='')}/{quote(name, safe='')}/versions"

    def get(self, id: str) -> Version:
        """Return a version by its id.

        Raises:
            ReplicateError: There is none.
        """
        return Version(**self._client.request("GET", f"{self._path}/{path_id(id)}"))

    def list(self) -> Page[Version]:
        """Return the first page of the versions, newest first.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, self._path, ..., lambda data: Version(**data))

    def delete(self, id: str) -> bool:
        """Delete a version, and all predictions of it; return whether that was accepted.

        Raises:
            ReplicateError: The API refused.
        """
        self._client.request("DELETE", f"{self._path}/{path_id(id)}")
        return True
