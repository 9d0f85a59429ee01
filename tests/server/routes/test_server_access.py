"""Who may send requests: not a web page of another origin, and not a name that leads here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer

GEMMA = "google-deepmind/gemma-2b-it"
PREDICTION = {"model": GEMMA, "input": {"prompt": "bees", "max_new_tokens": 2}}
# As gpt4free's ReplicateHome sends them.
HOMEPAGE = {"Origin": "https://replicate.com", "Sec-Fetch-Site": "same-site"}


@pytest.fixture
def everywhere() -> Iterator[LocalServer]:
    with LocalServer("0.0.0.0", token="secret") as server:
        yield server


def test_another_name_for_this_machine_is_refused(local: LocalServer, call: Any) -> None:
    for host in ("evil.example", f"evil.example:{local.port}", "127.0.0.1.evil.example", "[::1"):
        for path in ("/v1/account", "/api/poll?id=x", "/p/x", "/"):
            response = call.get(path, headers={"Host": host})
            assert response.status_code == 403
            assert response.headers["Content-Type"] == "application/problem+json"
            assert response.json()["title"] == "Host not allowed"
        response = call.send("POST", "/api/prediction", json=PREDICTION, headers={"Host": host})
        assert response.status_code == 403
    assert local.jobs.all() == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:5005"])
def test_every_name_of_this_machine_itself_is_accepted(call: Any, host: str) -> None:
    assert call.get("/v1/account", headers={"Host": host}).status_code == 200


def test_further_names_can_be_allowed(caller_of: Any) -> None:
    with LocalServer(allowed_hosts=["replicate.test"]) as server:
        call = caller_of(server)
        for host in ("replicate.test", "Replicate.TEST:5005"):
            assert call.get("/v1/account", headers={"Host": host}).status_code == 200
        assert call.get("/v1/account", headers={"Host": "other.test"}).status_code == 403
        call.session.close()


@pytest.mark.slow
def test_a_page_of_another_origin_runs_nothing(local: LocalServer, call: Any) -> None:
    foreign: list[dict[str, str]] = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{local.port + 1}"},
        {"Origin": "https://replicate.com.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        # A page of replicate.com can send a form, and no JSON.
        {"Origin": "https://replicate.com", "Content-Type": "text/plain"},
        {**HOMEPAGE, "Content-Type": "text/plain"},
    ]
    for headers in foreign:
        response = call.send("POST", "/api/prediction", json=PREDICTION, headers=headers)
        assert (response.status_code, response.json()["title"]) == (403, "Origin not allowed")
        version = {"version": "replicate/hello-world", "input": {"text": "x"}}
        response = call.send("POST", "/v1/predictions", json=version, headers=headers)
        assert response.status_code == 403
    preflight = call.send("OPTIONS", "/v1/predictions", headers={"Origin": "https://evil.example"})
    assert preflight.status_code == 403
    assert not any(name.startswith("Access-Control") for name in preflight.headers)
    assert local.jobs.all() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_origin_gets_nothing(local: LocalServer, call: Any, site: str) -> None:
    job = call.run("black-forest-labs/flux-schnell", {"prompt": "a"})
    for path in ("/", "/p", "/requests", "/static/page.js", "/v1/search?query=a", "/live/p"):
        for mode in ("no-cors", "cors"):  # such as a script, and a read with fetch()
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            assert call.get(path, headers=headers).status_code == 403, path
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert call.get("/p", headers=followed).status_code == 200
    shown = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}  # by whoever has its secret URL
    assert call.get(job["output"][0], headers=shown).status_code == 200


def test_a_page_of_this_origin_and_other_programs_are_served(local: LocalServer, call: Any) -> None:
    for headers in (
        {},
        {"Origin": local.origin},
        {"Origin": local.origin, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        response = call.send("POST", "/api/prediction", json=PREDICTION, headers=headers)
        assert response.status_code == 200


def test_the_homepages_own_page_is_served_with_json(local: LocalServer, call: Any) -> None:
    for host in (f"127.0.0.1:{local.port}", "homepage.replicate.com"):
        headers = {**HOMEPAGE, "Host": host}
        made = call.send("POST", "/api/prediction", json=PREDICTION, headers=headers)
        assert made.status_code == 200
        id = made.json()["id"]
        assert call.get(f"/api/poll?id={id}", headers=headers).json()["id"] == id
    assert call.get("/v1/account", headers=HOMEPAGE).status_code == 403


def test_files_and_streams_have_their_secret_in_the_url(local: LocalServer, call: Any) -> None:
    local.model("me/file")(lambda: b"content")
    foreign = {"Origin": "https://evil.example"}
    output = call.run("me/file")["output"]
    assert requests.get(output, headers=foreign, timeout=5).content == b"content"


def test_beyond_loopback_everything_needs_the_token(everywhere: LocalServer) -> None:
    origin = everywhere.origin
    for method, path in (
        ("POST", "/api/prediction"),
        ("GET", "/api/poll?id=x"),
        ("GET", "/v1/search?query=a"),
        ("GET", "/p/x"),
        ("GET", "/nothing"),
    ):
        response = requests.request(method, origin + path, json=PREDICTION, timeout=5)
        assert (response.status_code, response.json()["title"]) == (401, "Unauthenticated")
    assert everywhere.jobs.all() == []
    headers = {"Authorization": "Bearer secret", "Host": "any.example"}
    made = requests.post(f"{origin}/api/prediction", json=PREDICTION, headers=headers, timeout=5)
    assert made.status_code == 200


def test_beyond_loopback_a_file_needs_no_token(everywhere: LocalServer, caller_of: Any) -> None:
    everywhere.model("me/file")(lambda: b"content")
    call = caller_of(everywhere)
    output = call.run("me/file")["output"]
    call.session.close()
    assert requests.get(output, timeout=5).content == b"content"
