"""Models are found by words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer


@pytest.mark.parametrize("body", ["hello world", '"hello world"'])
def test_a_query_may_be_quoted(local: LocalServer, call: Any, body: str) -> None:
    found = call.send("QUERY", "/v1/models", data=body).json()
    assert [one["name"] for one in found["results"]] == ["hello-world"]


def test_anyone_may_search(local: LocalServer) -> None:
    def search(**query: Any) -> requests.Response:
        return requests.get(f"{local.url}/search", params=query, timeout=5)

    found = search(query="Llama instruct").json()
    assert list(found) == ["query", "models", "collections", "pages"]
    assert found["query"] == "Llama instruct"
    assert found["models"][0]["model"]["name"] == "meta-llama-3-70b-instruct"
    assert found["models"][0]["metadata"] == {
        "generated_description": None,
        "tags": [],
        "score": 1.0,
    }
    assert search(query="image").json()["collections"][0]["slug"] == "image-models"
    assert (
        len(search(query="a").json()["models"])
        > len(search(query="a", limit=1).json()["models"])
        == 1
    )
    assert search(query="no such thing").json()["models"] == []


@pytest.mark.parametrize(
    "query", ["", "query=", "query=x&limit=0", "query=x&limit=51", "query=x&limit=many"]
)
def test_a_search_without_words_is_refused(local: LocalServer, query: str) -> None:
    response = requests.get(f"{local.url}/search?{query}", timeout=5)
    assert (response.status_code, list(response.json())) == (400, ["detail"])
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    if "limit" not in query:
        assert response.json()["detail"] == 'Query parameter "query" is required'


def test_a_query_may_be_other_json(local: LocalServer, call: Any) -> None:
    for body in ("3", "70b"):
        found = call.send("QUERY", "/v1/models", data=body).json()["results"]
        assert "meta-llama-3-70b-instruct" in [one["name"] for one in found]
