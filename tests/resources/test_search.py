"""A search and the collections lead to models."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync import Collection, InvalidInputError, Replicate
from replicate_sync.resources.search import SearchResults

MODEL = {"owner": "a", "name": "b"}


def test_a_search_finds_models(local_client: Replicate) -> None:
    found = local_client.search("flux")
    assert "black-forest-labs/flux-schnell" in [str(model) for model in found.models]


@pytest.mark.parametrize("query", [None, 5, "\ud800"])
def test_a_query_that_is_no_text_is_refused(query: Any) -> None:
    with Replicate("r8_test") as client, pytest.raises(InvalidInputError, match="must be a text"):
        client.models.search(query)


def test_the_results_of_a_search_are_models_and_collections() -> None:
    data = {
        "query": "upscale",
        "models": [{"model": MODEL}, {"model": None}, "odd"],
        "collections": [{"slug": "s"}],
        "pages": [{"name": "docs"}],
    }
    results = SearchResults.from_json(data)
    assert [str(model) for model in results.models] == ["a/b"]
    assert [collection.slug for collection in results.collections] == ["s"]
    assert repr(results) == "<SearchResults for 'upscale': a/b; collections: 1, pages: 1>"
    many = SearchResults.from_json({"models": [{"model": MODEL}] * 8, "pages": None})
    assert repr(many).startswith("<SearchResults for None: a/b, a/b, a/b, a/b, a/b and 3 more; c")


@pytest.mark.parametrize("data", [{}, {"models": None, "collections": {}}])
def test_a_search_that_finds_nothing_has_empty_results(data: dict[str, Any]) -> None:
    results = SearchResults.from_json(data)
    assert (list(results.models), list(results.collections)) == ([], [])


def test_a_collection_has_models(local_client: Replicate) -> None:
    listed = next(local_client.collections.list())
    assert local_client.collections.get(str(listed.slug)).models
    assert list(Collection.from_json({"slug": "s"}).models) == []


def test_the_account_and_the_hardware_are_those_of_the_server(local_client: Replicate) -> None:
    assert local_client.account.get().username == "local"
    assert "cpu" in [hardware.sku for hardware in local_client.hardware.list()]
