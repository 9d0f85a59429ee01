"""Models and versions are created, shown, listed, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.server import LocalServer

NEW = {"owner": "local", "name": "mine", "visibility": "private", "hardware": "cpu"}


def make(call: Any, **more: str) -> dict[str, Any]:
    response = call.post("/v1/models", {**NEW, **more})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_new_model_is_empty(local: LocalServer, call: Any) -> None:
    made = make(call, description="Finds cats", license_url="https://example.com/l")
    assert made == {
        "url": "https://replicate.com/local/mine",
        "owner": "local",
        "name": "mine",
        "description": "Finds cats",
        "visibility": "private",
        "is_official": False,
        "github_url": None,
        "paper_url": None,
        "license_url": "https://example.com/l",
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": None,
        "created_at": made["created_at"],
    }
    assert call.get("/v1/models/local/mine").json() == made
    assert call.get("/v1/models/local/mine/versions").json()["results"] == []
    assert call.post("/v1/models/local/mine/predictions", {"input": {}}).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": None}, "owner"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"visibility": "secret"}, "visibility"),
        ({"hardware": "abacus"}, "hardware"),
        ({"description": 1}, "description"),
        ({"github_url": ""}, "github_url"),
        ({"cover_image_url": "cover.png"}, "cover_image_url"),
    ],
)
def test_an_invalid_model_is_refused(
    local: LocalServer, call: Any, change: dict[str, Any], field: str
) -> None:
    response = call.post("/v1/models", {**NEW, **change})
    assert (response.status_code, response.json()["invalid_fields"][0]["field"]) == (422, field)


def test_a_name_is_taken_once(local: LocalServer, call: Any) -> None:
    make(call)
    assert call.post("/v1/models", NEW).status_code == 409
    assert (
        call.post("/v1/models", {**NEW, "owner": "replicate", "name": "hello-world"}).status_code
        == 409
    )
    assert call.post("/v1/models", {"owner": "local"}).json()["detail"].count("is required") == 3


def test_an_update_changes_only_what_it_names(local: LocalServer, call: Any) -> None:
    make(call, description="old")
    path = "/v1/models/local/mine"
    assert call.get(f"{path}/readme").status_code == 404
    changed = call.send(
        "PATCH", path, json={"readme": "# é\n", "github_url": "https://x", "visibility": "public"}
    )
    assert changed.status_code == 200
    body = changed.json()
    assert (body["description"], body["github_url"], body["visibility"]) == (
        "old",
        "https://x",
        "private",
    )
    readme = call.get(f"{path}/readme")
    assert (readme.content, readme.headers["Content-Type"]) == (
        "# é\n".encode(),
        "text/plain; charset=utf-8",
    )
    assert call.send("PATCH", path, json={"description": 5}).status_code == 422
    assert call.send("PATCH", "/v1/models/a/b", json={}).status_code == 404


def test_only_a_private_model_without_versions_can_be_deleted(
    local: LocalServer, call: Any
) -> None:
    make(call)
    make(call, name="shown", visibility="public")
    deleted = call.send("DELETE", "/v1/models/local/mine")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "Content-Type" not in deleted.headers
    assert call.get("/v1/models/local/mine").status_code == 404
    assert call.send("DELETE", "/v1/models/local/mine").status_code == 404
    for name in ("local/shown", "replicate/hello-world"):
        response = call.send("DELETE", f"/v1/models/{name}")
        assert (response.status_code, response.json()["detail"]) == (
            403,
            "You can only delete private models",
        )
    version = call.get("/v1/models/replicate/hello-world").json()["latest_version"]["id"]
    assert (
        call.send("DELETE", f"/v1/models/replicate/hello-world/versions/{version}").status_code
        == 403
    )
    assert call.send("DELETE", "/v1/models/replicate/hello-world/versions/0").status_code == 404


@pytest.mark.slow
def test_a_private_model_is_in_no_list(local: LocalServer, call: Any) -> None:
    make(call, name="hidden-platypus")
    make(call, name="shown-platypus", visibility="public")
    assert [one["name"] for one in call.get("/v1/models").json()["results"]][:1] == [
        "shown-platypus"
    ]
    found = call.send(
        "QUERY", "/v1/models", data="PLATYPUS", headers={"Content-Type": "text/plain"}
    ).json()
    assert [one["name"] for one in found["results"]] == ["shown-platypus"]
    assert [
        one["model"]["name"] for one in call.get("/v1/search?query=platypus").json()["models"]
    ] == ["shown-platypus"]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["model_created_at", "latest_version_created_at"])
def test_models_are_listed_in_the_requested_order(local: LocalServer, call: Any, by: str) -> None:
    for number in range(30):
        make(call, name=str(number), visibility="public")

    def names(direction: str) -> list[str]:
        url, found = f"/v1/models?sort_by={by}&sort_direction={direction}", []
        while url:
            page = call.get(url).json()
            found += [one["name"] for one in page["results"]]
            url = page["next"]
            assert not url or f"sort_direction={direction}" in url
        back = call.get(page["previous"]).json()
        assert [one["name"] for one in back["results"]] == found[:25]
        return found

    assert names("asc") == names("desc")[::-1]
    assert names("desc")[0] == "29"
    assert call.get("/v1/models?sort_by=name").status_code == 422


@pytest.mark.slow
def test_examples_are_predictions_that_are_in_no_other_list(local: LocalServer, call: Any) -> None:
    first, second = call.get("/v1/models/replicate/hello-world/examples").json()["results"]
    assert (first["input"], first["output"], first["status"]) == (
        {"text": "Alice"},
        "hello Alice",
        "succeeded",
    )
    assert call.get(second["urls"]["get"]).json() == second
    assert call.get("/v1/models/replicate/hello-world/examples").json()["results"] == [
        first,
        second,
    ]
    assert call.get("/v1/predictions").json()["results"] == []
    assert call.get(
        call.get("/v1/models/black-forest-labs/flux-schnell/examples").json()["results"][0][
            "output"
        ][0]
    ).content


def test_a_model_without_examples_has_an_empty_list(local: LocalServer, call: Any) -> None:
    local.model("replicate/hello-world")(
        lambda number: number
    )  # the known inputs are not for this one
    empty = {"next": None, "previous": None, "results": []}
    assert call.get("/v1/models/replicate/hello-world/examples").json() == empty
    assert call.get("/v1/models/local/slow/examples").json() == empty
    assert call.get("/v1/models/a/b/examples").status_code == 404


def test_models_and_versions_are_listed(local: LocalServer, call: Any) -> None:
    for number in range(30):
        local.model(f"me/{number}")(lambda: None)
    first = call.get("/v1/models").json()
    second = call.get(first["next"]).json()
    names = [model["name"] for model in first["results"] + second["results"]]
    assert len(first["results"]) == 25
    assert names[:2] == ["29", "28"]
    assert len(names) == len(set(names)) == 48
    versions = call.get("/v1/models/me/1/versions").json()
    version = versions["results"][0]
    assert (versions["next"], version["id"]) == (
        None,
        first["results"][0]["latest_version"]["id"],
    ) or version["id"]
    assert call.get(f"/v1/models/me/1/versions/{version['id']}").json() == version
    assert call.get("/v1/models/me/1/versions/0").status_code == 404
    assert call.get("/v1/hardware").json()[0] == {"sku": "cpu", "name": "CPU"}
