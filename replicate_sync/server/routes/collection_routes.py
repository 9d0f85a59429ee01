"""The operations on collections: models that do the same kind of thing."""

from __future__ import annotations

from ..model_collections import COLLECTIONS
from . import problems
from .context import Route, RouteGroup, ServerContext
from .json_responses import json_response
from .pagination import unpaged
from .plain_response import PlainResponse
from .serializers import serialize_collection, serialize_model


class CollectionRoutes(RouteGroup[ServerContext]):
    """Responds to the requests about collections.

    API: https://replicate.com/docs/reference/http#collections.list
    """

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        return [
            Route("GET", "/v1/collections", "collections", self.all),
            Route("GET", "/v1/collections/<slug>", "collection", self.show),
        ]

    def all(self) -> PlainResponse:
        """List the collections."""
        return json_response(unpaged([serialize_collection(one) for one in COLLECTIONS]))

    def show(self, slug: str) -> PlainResponse:
        """Show a collection with its models."""
        for collection in COLLECTIONS:
            if collection.slug == slug:
                break
        else:
            raise problems.not_found()
        entries = map(self._context.catalog.get, collection.models)
        models = [serialize_model(entry) for entry in entries if entry is not None]
        body = serialize_collection(collection)
        return json_response({**body, "full_description": None, "models": models})
