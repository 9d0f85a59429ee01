"""Models, as the official client has them. Models of the community run by their names, too."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn
from urllib.parse import quote

from ..http.pagination import PageParser
from ..http.request import Content
from .exceptions import ReplicateException
from .pagination import Cursor, Page, as_page, fetch_page
from .prediction import Prediction, create_of_model
from .resource import Namespace, Resource
from .version import Version, Versions

if TYPE_CHECKING:
    from .client import Client


class Model(Resource):
    """A model."""

    _nested: ClassVar[Mapping[str, type[Resource]]] = {
        "default_example": Prediction,
        "latest_version": Version,
    }

    url: str
    owner: str
    name: str
    description: str | None
    visibility: Literal["public", "private"]
    github_url: str | None
    paper_url: str | None
    license_url: str | None
    run_count: int
    cover_image_url: str | None
    default_example: Prediction | None
    latest_version: Version | None

    _client: Client

    @classmethod
    def of(cls, client: Client, data: Mapping[str, Any]) -> Model:
        """Return the model that the API's JSON describes."""
        model = cls(**data)
        model._client = client
        example = data.get("default_example")
        if isinstance(example, dict) and example.get("id") and example.get("status"):
            native = client.native.predictions.from_json(example)
            model.default_example = Prediction.of(client, native)
        return model

    @property
    def id(self) -> str:
        """Its owner and name: "owner/name"."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """Its owner; the name of former days."""
        warnings.warn("Use `model.owner` instead.", DeprecationWarning, stacklevel=2)
        return self.owner

    @property
    def versions(self) -> Versions:
        """Its versions: `get`, `list`, `delete`."""
        return Versions(self._client, self)

    def predict(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise: `replicate.run` has taken its place.

        Args:
            *args: Ignored.
            **kwargs: Ignored.

        Raises:
            ReplicateException: Always.
        """
        raise ReplicateException("`model.predict()` is gone: use `replicate.run()` instead.")

    def reload(self) -> None:
        """Fetch what the API says now.

        Raises:
            ReplicateError: There is no such model any more.
        """
        fresh = self._client.models.get(self.id)
        for name in self._fields:
            setattr(self, name, getattr(fresh, name))


class Models(Namespace):
    """Models: `list`, `search`, `get`, `create`, `delete`, and their `predictions`."""

    model = Model

    @property
    def predictions(self) -> ModelsPredictions:
        """Predictions of models: `create`."""
        return ModelsPredictions(self._client)

    def list(self, cursor: Cursor = ...) -> Page[Model]:
        """Return a page of the public models.

        Args:
            cursor: `next` or `previous` of another page; by default the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, "/models", cursor, self._parse)

    def search(self, query: str) -> Page[Model]:
        """Return the public models that match a text.

        Raises:
            ReplicateError: The API refused.
        """
        content = Content(query.encode(), "text/plain")
        page = self._client.request("QUERY", "/models", content=content, build=PageParser().parse)
        return as_page(page, self._parse)

    def get(self, *args: str, **kwargs: str) -> Model:
        """Return a model.

        Args:
            *args: "owner/name", or the owner and the name.
            **kwargs: `key`, or `owner` and `name`.

        Raises:
            ValueError: These do not name a model.
            ReplicateError: There is no such model.
        """
        return self._parse(self._client.request("GET", f"/models/{_key(*args, **kwargs)}"))

    def delete(self, *args: str, **kwargs: str) -> bool:
        """Delete a model, and return whether that was accepted.

        Args:
            *args: As for `get`.
            **kwargs: As for `get`.

        Raises:
            ReplicateError: The API refused.
        """
        self._client.request("DELETE", f"/models/{_key(*args, **kwargs)}")
        return True

    def create(
        self, owner: str, name: str, *, visibility: str, hardware: str, **params: Any
    ) -> Model:
        """Create an empty model, and return it.

        Args:
            owner: Its owner.
            name: Its name.
            visibility: "public" or "private".
            hardware: A SKU of `hardware.list()`.
            **params: `description`, `github_url`, `paper_url`, `license_url`, `cover_image_url`.

        Raises:
            ReplicateError: The API refused.
        """
        body = {"owner": owner, "name": name, "visibility": visibility, "hardware": hardware}
        body.update({key: value for key, value in params.items() if value is not None})
        return self._parse(self._client.request("POST", "/models", body, repeatable=False))

    def _parse(self, data: dict[str, Any]) -> Model:
        return Model.of(self._client, data)


class ModelsPredictions(Namespace):
    """Predictions of models: `create`."""

    def create(self, model: Any, input: dict[str, Any], **params: Any) -> Prediction:
        """Start a prediction of a model's latest version, and return it.

        Args:
            model: A Model, "owner/name", or a tuple of both.
            input: The model's input.
            **params: As in `predictions.create`.

        Raises:
            ReplicateError: The API refused.
        """
        return create_of_model(self._client, model, input, params)


def _key(*args: str, **kwargs: str) -> str:
    """Return the owner and name of a model, as the official client takes them."""
    if args and kwargs:
        raise ValueError("Cannot mix positional and keyword arguments")
    if len(args) > 2:
        raise ValueError("Invalid number of arguments")
    owner = kwargs.get("owner")
    name = kwargs.get("name")
    key = kwargs.get("key")
    if key and (owner or name):
        raise ValueError(
            "Must specify exactly one of 'owner' and 'name' or single 'key' in the format "
            "'owner/name'"
        )
    if len(args) == 1:
        key = args[0]
    elif args:
        owner, name = args
    if not key and not (owner and name):
        raise ValueError("Both 'owner' and 'name' must be provided if 'key' is not specified.")
    key = key or f"{owner}/{name}"
    if key.count("/") > 1:
        raise ValueError(f"Invalid reference to model: {key}. Expected format: owner/name")
    return quote(key, safe="/:")
