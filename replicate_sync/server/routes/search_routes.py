"""The operations that search for models and collections by words."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from ..catalog import Entry
from ..json_types import JSONObject
from ..model_collections import COLLECTIONS
from .context import Route, ServerContext
from .current_request import request
from .json_bodies import parse_json
from .json_responses import json_response
from .pagination import unpaged
from .plain_response import PlainResponse
from .serializers import serialize_collection, serialize_model

_MAX_MISSPELLED = 200  # characters of a query that may be a misspelled name
_PAGE_SIZE = 25
_DEFAULT_LIMIT = "20"
_MAX_LIMIT = 50
_LIMIT = re.compile(r"[0-9]{1,9}")
_MISSPELLED_SCORE = 0.1
_MAX_COMPARED = 200  # characters; longer than any name, as comparing takes the square of it
_MIN_LIKENESS = 0.55  # of a query and a name, from 0 to 1


class SearchRoutes:
    """Responds to searches.

    API: https://replicate.com/docs/reference/http#search

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._catalog = context.catalog

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        return [
            Route("GET", "/v1/search", "search", self.search),
            Route("QUERY", "/v1/models", "query", self.search_models),
        ]

    def search(self) -> PlainResponse:
        """Find models and collections with all words of a query, the best matches first."""
        query = request.args.get("query", "")
        limit = request.args.get("limit", _DEFAULT_LIMIT)
        if not query.strip():
            return _refuse('Query parameter "query" is required')
        if not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= _MAX_LIMIT):
            return _refuse(f'Query parameter "limit" must be a number from 1 to {_MAX_LIMIT}')
        models = []
        for score, entry in self._ranked(query)[: int(limit)]:
            metadata: JSONObject = {"generated_description": None, "tags": [], "score": score}
            models.append({"model": serialize_model(entry), "metadata": metadata})
        collections = [
            {**serialize_collection(collection), "models": list(collection.models)}
            for collection in COLLECTIONS
            if _score(query, collection.name, collection.description)
        ]
        body = {"query": query, "models": models, "collections": collections, "pages": []}
        return json_response(body)

    def search_models(self) -> PlainResponse:
        """Find models with all words of the body; there is one page of them."""
        query = _unquote(request.get_data().decode("utf-8", "replace"))
        ranked = self._ranked(query)[:_PAGE_SIZE]
        return json_response(unpaged([serialize_model(entry) for _, entry in ranked]))

    def _ranked(self, query: str) -> list[tuple[float, Entry]]:
        """Return the models that match a query with their scores, the best first."""
        scored = [
            (_score(query, entry.name, entry.description), entry)
            for entry in self._catalog.public()
        ]
        matches = [(score, entry) for score, entry in scored if score]
        return sorted(matches, key=lambda match: -match[0])


def _refuse(detail: str) -> PlainResponse:
    # The search's own error has no more than this.
    return json_response({"detail": detail}, 400)


def _unquote(text: str) -> str:
    # Two of the official clients send the query as JSON, which puts it in quotes.
    try:
        value = parse_json(text)
    except ValueError:
        return text
    if isinstance(value, str):
        return value
    return text


def _score(query: str, name: str, description: str) -> float:
    """Return how well a model matches: the mean over the query's words, or 0 where one is missing.

    A word scores 1 in the name, and a half in the description. A name that is misspelled as a whole
    scores a little.
    """
    points = []
    for word in query.lower().split():
        if word in name.lower():
            points.append(1.0)
        elif word in description.lower():
            points.append(0.5)
        else:
            return _MISSPELLED_SCORE * _is_misspelled(query, name)
    return sum(points) / max(1, len(points))


def _is_misspelled(query: str, name: str) -> bool:
    if len(query) > _MAX_MISSPELLED:  # comparing takes the square of it
        return False
    words = re.sub("[/-]", " ", name.lower())
    if len(query) > _MAX_COMPARED:
        return False
    return SequenceMatcher(None, query.lower(), words).ratio() >= _MIN_LIKENESS
