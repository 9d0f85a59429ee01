"""Collections of models, as the official client has them. Their models can be used further."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, overload
from urllib.parse import quote

from .model import Model
from .pagination import Cursor, Page, fetch_page
from .resource import Namespace, Resource


class Collection(Resource):
    """Models that Replicate presents together; iterating over it yields them."""

    slug: str
    name: str
    description: str
    models: list[Model] | None

    @property
    def id(self) -> str:
        """Its slug; the name of former days."""
        warnings.warn("Use `slug` instead of `id`", DeprecationWarning, stacklevel=2)
        return self.slug

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models or [])

    @overload
    def __getitem__(self, index: int) -> Model | None: ...

    @overload
    def __getitem__(self, index: slice) -> list[Model] | None: ...

    def __getitem__(self, index: int | slice) -> Model | list[Model] | None:
        if self.models is None:
            return None
        return self.models[index]

    def __len__(self) -> int:
        return len(self.models or [])


class Collections(Namespace):
    """Collections: `list`, `get`."""

    def list(self, cursor: Cursor = ...) -> Page[Collection]:
        """Return a page of the collections, without their models.

        Args:
            cursor: `next` or `previous` of another page; by default the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return fetch_page(self._client, "/collections", cursor, self._parse)

    def get(self, slug: str) -> Collection:
        """Return a collection with its models.

        Args:
            slug: Its name in URLs, such as "text-to-image".

        Raises:
            ReplicateError: There is none.
        """
        return self._parse(self._client.request("GET", f"/collections/{quote(slug, safe='')}"))

    def _parse(self, data: dict[str, Any]) -> Collection:
        models = data.get("models")
        if isinstance(models, list):
            models = [Model.of(self._client, model) for model in models]
        return Collection(**{**data, "models": models})
