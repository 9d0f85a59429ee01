"""The homepage's protocol: create, then poll, without a token."""

from __future__ import annotations

from typing import Any

import requests

from replicate_sync.server import LocalServer

GEMMA = "google-deepmind/gemma-2b-it"


VERSION = "dff94eaf770e1fc211e425a50b51baa8e4cac6c39ef074681f9e39d778773626"


def create(local: LocalServer, **body: Any) -> requests.Response:
    return requests.post(f"{local.origin}/api/prediction", json=body, timeout=5)


def test_a_prediction_is_created_and_polled_without_a_token(local: LocalServer, call: Any) -> None:
    response = create(
        local, model=GEMMA, version=VERSION, input={"prompt": "bees", "max_new_tokens": 4}
    )
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    made = response.json()
    assert (made["status"], made["model"], made["version"]) == ("starting", GEMMA, VERSION)
    assert made["created_at"]
    call.until(made, lambda body: body["status"] == "succeeded")
    polled = requests.get(f"{local.origin}/api/poll", params={"id": made["id"]}, timeout=5)
    assert polled.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (polled.json()["id"], len(polled.json()["output"])) == (made["id"], 4)
    listed = call.get("/v1/predictions", params={"source": "web"}).json()["results"]
    assert [one["id"] for one in listed] == [made["id"]]


def test_the_version_may_be_left_out(local: LocalServer) -> None:
    made = create(local, model=GEMMA, input={"prompt": "bees"}, stream=True).json()
    assert made["version"] == VERSION


def test_what_the_homepage_does_not_have_is_refused_in_json(local: LocalServer) -> None:
    for body, status in (
        ({"model": "me/nobody", "version": VERSION, "input": {"prompt": "x"}}, 404),
        ({"model": GEMMA, "version": "0" * 64, "input": {"prompt": "x"}}, 422),
        ({"model": "local/slow", "version": VERSION, "input": {}}, 422),
        ({"model": GEMMA, "version": VERSION, "input": {}}, 422),
        ({"input": {"prompt": "x"}}, 422),
    ):
        response = create(local, **body)
        assert (response.status_code, response.json()["status"]) == (status, status)
        assert response.headers["Content-Type"] == "application/problem+json"
    assert requests.get(f"{local.origin}/api/poll?id=x", timeout=5).status_code == 404
    assert (
        requests.post(f"{local.origin}/api/prediction", data=b"{", timeout=5).json()["status"]
        == 400
    )
