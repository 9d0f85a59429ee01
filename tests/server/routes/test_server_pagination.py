"""Lists come in pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from replicate_sync.server import LocalServer
from replicate_sync.server.job_spec import JobSpec


def waiting(local: LocalServer) -> str:
    """Create a prediction that never starts, and return its id."""
    model = local.models.get("replicate/hello-world")
    assert model is not None
    return local.jobs.create(JobSpec(model, "hidden", {"text": "you"}, local.origin)).id


@pytest.mark.slow
def test_a_list_comes_in_pages_of_a_hundred(local: LocalServer, call: Any) -> None:
    made = [waiting(local) for _ in range(205)]
    shown, url, pages = [], "/v1/predictions", []
    while url:
        page = call.get(url).json()
        assert list(page) == ["next", "previous", "results"]
        pages.append(page)
        shown += [one["id"] for one in page["results"]]
        url = page["next"]
        assert not url or url.startswith(f"{local.url}/predictions?cursor=")
    assert shown == made[::-1]
    assert [len(page["results"]) for page in pages] == [100, 100, 5]
    assert [page["previous"] is None for page in pages] == [True, False, False]
    back = call.get(pages[2]["previous"]).json()
    assert [one["id"] for one in back["results"]] == [one["id"] for one in pages[1]["results"]]


def test_a_link_keeps_the_rest_of_the_query_and_the_host(local: LocalServer, call: Any) -> None:
    for _ in range(101):
        waiting(local)
    there = local.origin.replace("127.0.0.1", "localhost")
    page = call.get(f"{there}/v1/predictions", params={"created_after": "2001-01-01"}).json()
    assert page["next"].startswith(there)
    assert "created_after=2001-01-01" in urlsplit(page["next"]).query


@pytest.mark.parametrize("cursor", ["x", "cD1ub3RoaW5n", "é"])
def test_an_invalid_cursor_is_not_found(local: LocalServer, call: Any, cursor: str) -> None:
    response = call.get("/v1/predictions", params={"cursor": cursor})
    assert (response.status_code, response.json()) == (404, {"detail": "Invalid cursor"})
