"""Models are found in collections."""

from __future__ import annotations

from typing import Any

from replicate_sync.server import LocalServer


def test_collections_have_models(local: LocalServer, call: Any) -> None:
    listed = call.get("/v1/collections").json()
    assert [one["slug"] for one in listed["results"]] == ["text-models", "image-models"]
    for one in listed["results"]:
        shown = call.get(f"/v1/collections/{one['slug']}").json()
        assert {key: shown[key] for key in one} == one
        assert shown["full_description"] is None
        assert len(shown["models"]) >= 3
        assert all(model["latest_version"] for model in shown["models"])
    assert call.get("/v1/collections/nothing").status_code == 404
