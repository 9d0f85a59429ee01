"""Search for models, collections and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from .base import Record
from .collections import Collection
from .models import Model, Models, parse_models

_SHOWN = 5  # models in a repr


class SearchResults(Record):
    """What a search has found; most people want its `models`.

    Examples:
        >>> [str(model) for model in client.search("flux").models]
        ['black-forest-labs/flux-schnell']
    """

    query: str | None = None
    pages: Sequence[Mapping[str, Any]] = ()

    @property
    def models(self) -> Sequence[Model]:
        """The models, the best match first.

        Examples:
            >>> [str(model) for model in client.search("flux").models]
            ['black-forest-labs/flux-schnell']
        """
        entries = self.raw.get("models")
        if not isinstance(entries, list):
            return []
        models = [entry.get("model") for entry in entries if isinstance(entry, Mapping)]
        return parse_models(models, self._resource)

    @property
    def collections(self) -> Sequence[Collection]:
        """The collections.

        Examples:
            >>> client.search("flux").collections
            [...]
        """
        entries = self.raw.get("collections")
        if not isinstance(entries, list):
            return []
        return [Collection.from_json(entry, self._resource) for entry in entries]

    def __repr__(self) -> str:
        models = ", ".join(map(str, self.models[:_SHOWN])) or "no models"
        rest = len(self.models) - _SHOWN
        if rest > 0:
            models += f" and {rest} more"
        counts = f"collections: {len(self.collections)}, pages: {len(self.pages or ())}"
        return f"<SearchResults for {self.query!r}: {models}; {counts}>"


def search(models: Models, query: str, limit: int | None) -> SearchResults:
    """Return what Replicate finds for a text; see `Replicate.search`."""
    params = {"query": query}
    if limit is not None:
        params["limit"] = str(limit)
    transport = models.predictions.all.context.transport
    build = partial(SearchResults.from_json, resource=models)
    return transport.request("GET", "/search", params=params, build=build)
