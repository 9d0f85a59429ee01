"""Finding models: by collection, and by a word."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from flask import Response, request

from ..catalog import Entry
from . import problems, serializers
from .context import Route, ServerContext
from .json_responses import JSON, answer

_PAGE = 25


class Collection(NamedTuple):
    """Some models that do the same kind of thing."""

    name: str
    slug: str
    description: str
    models: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """Give its JSON as a list has it."""
        return {"name": self.name, "slug": self.slug, "description": self.description}


COLLECTIONS = (
    Collection(
        "Text models",
        "text-models",
        "Models that write text, in place of which small programs answer here",
        ("meta/meta-llama-3-70b-instruct", "google-deepmind/gemma-2b-it", "replicate/hello-world"),
    ),
    Collection(
        "Image models",
        "image-models",
        "Models that make pictures, in place of which small programs draw here",
        (
            "black-forest-labs/flux-schnell",
            "stability-ai/stable-diffusion-3",
            "bytedance/sdxl-lightning-4step",
            "playgroundai/playground-v2.5-1024px-aesthetic",
        ),
    ),
)


class SearchRoutes:
    """Answers the requests that look for models."""

    def __init__(self, context: ServerContext) -> None:
        self.catalog = context.catalog

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        return [
            Route("GET", "/v1/collections", "collections", self.collections),
            Route("GET", "/v1/collections/<slug>", "collection", self.collection),
            Route("GET", "/v1/search", "search", self.search),
            Route("QUERY", "/v1/models", "query", self.query),
        ]

    def collections(self) -> Response:
        """List the collections."""
        found = [collection.shown() for collection in COLLECTIONS]
        return answer({"next": None, "previous": None, "results": found})

    def collection(self, slug: str) -> Response:
        """Show a collection with its models."""
        found = next((one for one in COLLECTIONS if one.slug == slug), None)
        if found is None:
            raise problems.not_found()
        entries = [entry for name in found.models if (entry := self.catalog.get(name))]
        models = [serializers.model(entry) for entry in entries]
        return answer({**found.shown(), "full_description": None, "models": models})

    def search(self) -> Response:
        """Find models and collections with all words of a query, those with the words in the name first."""
        query, limit = request.args.get("query", ""), request.args.get("limit", "20")
        if not query.strip():
            return answer({"detail": 'Query parameter "query" is required'}, 400, JSON)
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= 50):
            return answer({"detail": 'Query parameter "limit" must be a number from 1 to 50'}, 400, JSON)
        found = [
            {"model": serializers.model(entry), "metadata": {"generated_description": None, "tags": [], "score": score}}
            for score, entry in self._ranked(query)[: int(limit)]
        ]
        kinds = [
            {**one.shown(), "models": list(one.models)} for one in COLLECTIONS if _score(query, one.name, one.description)
        ]
        return answer({"query": query, "models": found, "collections": kinds, "pages": []})

    def query(self) -> Response:
        """Find models with all words of the body; there is one page of them."""
        text = _unquoted(request.get_data().decode("utf-8", "replace"))
        found = [serializers.model(entry) for _, entry in self._ranked(text)[:_PAGE]]
        return answer({"next": None, "previous": None, "results": found})

    def _ranked(self, query: str) -> list[tuple[float, Entry]]:
        scored = [(_score(query, one.name, one.about.get("description") or ""), one) for one in self.catalog.public()]
        return sorted(((score, one) for score, one in scored if score), key=lambda pair: -pair[0])


def _unquoted(text: str) -> str:
    # Two of the official clients send the query as JSON, which puts it in quotes.
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _score(query: str, name: str, description: str) -> float:
    """Give the share of a query's words that are in the name; a half for one in the description, 0 where one is missing."""
    words = query.lower().split()
    points = [1.0 if word in name.lower() else 0.5 if word in description.lower() else 0.0 for word in words]
    return sum(points) / len(points) if points and all(points) else 0.0
