"""Search for models, collections and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..http.transport import Transport
from .base import Record
from .collections import Collection
from .models import Model, parse_models

_SHOWN = 5  # models in a repr


class SearchResults(Record):
    """What a search has found; most people want its `models`."""

    query: str | None = None
    pages: Sequence[Mapping[str, Any]] = ()

    @property
    def models(self) -> Sequence[Model]:
        """The models, the best match first."""
        entries = self.raw.get("models")
        if not isinstance(entries, list):
            return []
        return parse_models([entry.get("model") for entry in entries if isinstance(entry, Mapping)])

    @property
    def collections(self) -> Sequence[Collection]:
        """The collections."""
        entries = self.raw.get("collections")
        if not isinstance(entries, list):
            return []
        return [Collection.from_json(entry) for entry in entries]

    def __repr__(self) -> str:
        models = ", ".join(map(str, self.models[:_SHOWN])) or "no models"
        rest = len(self.models) - _SHOWN
        if rest > 0:
            models += f" and {rest} more"
        counts = f"collections: {len(self.collections)}, pages: {len(self.pages or ())}"
        return f"<SearchResults for {self.query!r}: {models}; {counts}>"


def search(transport: Transport, query: str, limit: int | None) -> SearchResults:
    """Return what Replicate finds for a text; see `Replicate.search`."""
    params = {"query": query}
    if limit is not None:
        params["limit"] = str(limit)
    return transport.request("GET", "/search", params=params, build=SearchResults.from_json)
