"""Collections: models that Replicate presents together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..http.request import path_segment
from .base import Record, Resource
from .models import Model, Models, parse_models
from .pages import Pages


class Collection(Record):
    """Models that Replicate presents together.

    Examples:
        >>> slug = next(client.collections.list()).slug
        >>> [str(model) for model in client.collections.get(slug).models]
        [...]
    """

    _hidden_fields = ("full_description",)

    name: str | None = None
    slug: str | None = None
    description: str | None = None
    full_description: str | None = None

    @property
    def models(self) -> Sequence[Model]:
        """Its models, where the API sent them: `collections.get` does, `collections.list` not.

        Examples:
            >>> slug = next(client.collections.list()).slug
            >>> [str(model) for model in client.collections.get(slug).models]
            [...]
        """
        return parse_models(self.raw.get("models"), self._resource)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, index: int) -> Model:
        return self.models[index]

    def __bool__(self) -> bool:
        return True  # also without models, as any record


class Collections(Resource):
    """The collections: `list`, `get`.

    Args:
        models: The client's models.

    Examples:
        >>> [collection.slug for collection in client.collections.list()]
        [...]
    """

    def __init__(self, models: Models) -> None:
        super().__init__(models.predictions.all.context.transport)
        self._models = models

    def list(self, *, limit: int | None = None) -> Pages[Collection]:
        """Return an iterator over the collections.

        See https://replicate.com/docs/reference/http#collections.list

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> [collection.slug for collection in client.collections.list()]
            [...]
        """
        return self._list("/collections", self.from_json, limit)

    def get(self, slug: str) -> Collection:
        """Return a collection with its models.

        See https://replicate.com/docs/reference/http#collections.get

        Args:
            slug: Its name in URLs, such as "text-to-image".

        Raises:
            NotFoundError: There is no such collection.

        Examples:
            >>> slug = next(client.collections.list()).slug
            >>> client.collections.get(slug).slug == slug
            True
        """
        path = f"/collections/{path_segment(slug)}"
        return self._transport.request("GET", path, build=self.from_json)

    def from_json(self, data: object) -> Collection:
        """Return the collection that the API's JSON describes, without a request.

        Args:
            data: The API's JSON.

        Examples:
            >>> client.collections.from_json({"slug": "text-to-image"}).slug
            'text-to-image'
        """
        return Collection.from_json(data, self._models)
