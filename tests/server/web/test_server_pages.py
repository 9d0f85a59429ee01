"""The pages as a program without JavaScript sees them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import requests

from replicate_sync.server import Between, LocalServer

EVIL = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"
PAGES = ("/", "/m/me/echo", "/p", "/requests", "/webhooks", "/login")


@pytest.fixture
def browser(local: LocalServer) -> Iterator[requests.Session]:
    """A browser without JavaScript, which has no token."""

    @local.model("me/echo")
    def echo(
        text: str, times: Annotated[int, Between(1, 9)] = 2, file: Path | None = None
    ) -> Iterator[str]:
        """Say it again."""
        for _ in range(times):
            yield text
        if file is not None:
            yield file.read_text()

    with requests.Session() as session:
        session.trust_env = False
        session.headers["Accept"] = "text/html"
        yield session


def run(browser: requests.Session, local: LocalServer, **form: str) -> requests.Response:
    return browser.post(f"{local.origin}/m/me/echo", files={"x": ""}, data=form, timeout=5)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_strict_policy_and_no_inline_code(
    local: LocalServer, browser: requests.Session, path: str
) -> None:
    response = browser.get(local.origin + path, timeout=5)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r"<script(?! src=)|\son\w+=|style=|<style|javascript:", response.text) == []
    assert "<title>" in response.text
    assert 'lang="en"' in response.text
    assert not re.search(r'(src|href)="(https?:)?//', response.text)


def test_every_field_has_a_label(local: LocalServer, browser: requests.Session) -> None:
    page = browser.get(f"{local.origin}/m/me/echo", timeout=5).text
    for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
        id = re.search(r'\bid="([^"]+)"', tag)
        assert "aria-label=" in tag or (id and f'for="{id[1]}"' in page), tag


def test_a_form_runs_a_model_and_leads_to_its_prediction(
    local: LocalServer, browser: requests.Session
) -> None:
    response = run(browser, local, text="hi & <b>", times="3")
    (job,) = local.jobs.all()
    job.wait(5)
    assert response.url == f"{local.origin}/p/{job.id}"
    assert job.spec.source == "web"
    assert (job.input, job.output) == ({"text": "hi & <b>", "times": 3}, ["hi & <b>"] * 3)
    page = browser.get(response.url, timeout=5).text
    assert "hi &amp; &lt;b&gt;hi" in page
    assert "succeeded" in page
    again = browser.get(f"{local.origin}/m/me/echo?from={job.id}", timeout=5).text
    assert 'value="3"' in again
    assert "hi &amp; &lt;b&gt;" in again


def test_a_file_is_uploaded_with_the_form(local: LocalServer, browser: requests.Session) -> None:
    browser.post(
        f"{local.origin}/m/me/echo",
        data={"text": "a", "times": "1"},
        files={"file": ("b.txt", b"from a file")},
        timeout=5,
    )
    (job,) = local.jobs.all()
    job.wait(5)
    assert job.output == ["a", "from a file"]


def test_a_wrong_form_comes_back_with_what_is_wrong(
    local: LocalServer, browser: requests.Session
) -> None:
    response = run(browser, local, text="kept", times="12")
    assert response.status_code == 422
    assert "Must be less than or equal to 9" in response.text
    assert "kept" in response.text
    assert local.jobs.all() == []
    headers = {"Accept": "application/json"}
    body = browser.post(
        f"{local.origin}/m/me/echo",
        files={"x": ""},
        data={"times": "x"},
        headers=headers,
        timeout=5,
    ).json()
    assert [problem["field"] for problem in body["problems"]] == ["input.times"]


def test_what_models_and_clients_write_is_never_html(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    local.script("me/evil", output=EVIL, logs=EVIL, metrics={EVIL: EVIL})
    local.script("me/evil-stream", tokens=[EVIL], fail=EVIL)
    local.model("me/evil-doc")(lambda: "x")
    for name in ("me/evil", "me/evil-stream"):
        call.create(name, {EVIL: EVIL}, Prefer="wait=5")
    call.get(f"/v1/models/{EVIL}?{EVIL}={EVIL}", headers={"X-Evil": EVIL})
    paths = ["/p", "/requests", *(f"/p/{job.id}" for job in local.jobs.all())]
    for path in paths:
        page = browser.get(local.origin + path, timeout=5).text
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page


def test_a_models_own_page_runs_nothing(local: LocalServer, call: Any, tmp_path: Path) -> None:
    (tmp_path / "evil.svg").write_text("<svg onload=alert(1)>")
    (tmp_path / "evil.html").write_text("<script>alert(1)</script>")
    local.model("me/files")(lambda: [tmp_path / "evil.svg", tmp_path / "evil.html"])
    svg, html = (call.get(url).headers for url in call.run("me/files")["output"])
    for headers in (svg, html):
        assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert html["Content-Type"] == "application/octet-stream"


def test_the_page_of_nothing_is_a_page_and_stays_json_for_programs(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    for path in ("/p/x", "/m/a/b", "/static/x.js"):
        response = browser.get(local.origin + path, timeout=5)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert call.get("/p/x").json()["status"] == 404
    assert call.get("/static/..%2fpages.py").status_code == 404


def test_links_of_predictions_lead_to_their_page(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    made = call.create("replicate/hello-world", {"text": "x"}, Prefer="wait=5")
    assert "hello x" in browser.get(made["urls"]["web"], timeout=5).text


def events(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in response.iter_lines(decode_unicode=True, chunk_size=None):
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def test_a_prediction_is_sent_live_until_its_end(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    local.script("me/talks", tokens=["a\n", EVIL, "c"], delay=0.02, logs="50%")
    made = call.create("me/talks", {})
    live = f"{local.origin}/live/p/{made['id']}"
    text = ""
    heads = []
    with browser.get(f"{live}?pieces=0", stream=True, timeout=5) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        for name, data in events(response):
            if name == "append":
                assert data["at"] < data["count"]
                text += data["text"]
            if data.get("id") == f"head-{made['id']}":
                heads.append(data["html"])
    assert text == f"a\n{EVIL}c"
    assert "succeeded" in heads[-1]
    with browser.get(f"{live}?pieces=2", stream=True, timeout=5) as response:
        rest = [data["text"] for name, data in events(response) if name == "append"]
    assert rest == ["c"]


def test_new_predictions_and_requests_are_sent_live(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    with (
        browser.get(f"{local.origin}/live/p", stream=True, timeout=5) as predictions,
        browser.get(f"{local.origin}/live/requests", stream=True, timeout=5) as traffic,
    ):
        made = call.create("replicate/hello-world", {"text": EVIL}, Prefer="wait=5")
        row = next(data for name, data in events(predictions) if name == "upsert")
        assert (row["list"], row["id"]) == ("rows", f"row-{made['id']}")
        assert "<script>" not in row["html"]
        assert "hello-world" in row["html"]
        request = next(data for name, data in events(traffic) if name == "upsert")
        assert "/v1/predictions" in request["html"]
        assert "<script>" not in request["html"]


@pytest.mark.slow
def test_the_knobs_set_faults(local: LocalServer, browser: requests.Session, call: Any) -> None:
    faults = f"{local.origin}/requests/faults"
    body = {"version": "replicate/hello-world", "input": {"text": "x"}}
    for knob, status in (("limit", 429), ("refuse", 500), ("credit", 402)):
        page = browser.post(faults, data={"fault": knob, "times": "2"}, timeout=5)
        assert "2×" in page.text
        assert call.post("/v1/predictions", body).status_code == status
        browser.post(faults, data={"fault": "clear"}, timeout=5)
        assert call.post("/v1/predictions", body).status_code == 201
    for knob in ("lose", "slow", "cut", "stall"):
        browser.post(faults, data={"fault": knob, "times": "1"}, timeout=5)
    assert len(local.faults) == 4
    for form in ({"fault": "x"}, {"fault": "cut", "times": "0"}, {"fault": "cut", "times": "x"}):
        assert browser.post(faults, data=form, timeout=5).status_code == 422
    assert len(local.faults) == 4


def test_requests_are_shown_with_their_responses(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    call.create("replicate/hello-world", {"text": "you"}, Prefer="wait=5")
    logged = local.requests[-1]
    assert (logged.status, logged.method) == (201, "POST")
    assert json.loads(logged.response)["output"] == "hello you"
    assert logged.response_size == len(logged.response)
    page = browser.get(f"{local.origin}/requests", timeout=5).text
    assert "hello you" in page
    assert "r8_local" not in page
    assert local.requests[-1] is logged  # the page itself is no traffic


def test_webhooks_are_shown(local: LocalServer, browser: requests.Session, call: Any) -> None:
    body = {
        "version": "replicate/hello-world",
        "input": {"text": "you"},
        "webhook": f"http://127.0.0.1:{local.port}/api/nothing",
        "webhook_events_filter": ["completed"],
    }
    local.webhook_timing = type(local.webhook_timing)(0.0, (0.0,))
    call.post("/v1/predictions", body)
    with browser.get(f"{local.origin}/live/webhooks", stream=True, timeout=5) as response:
        row = next(data for name, data in events(response) if name == "upsert")
    assert "404" in row["html"]
    assert "hello you" in row["html"]
    assert "succeeded" in browser.get(f"{local.origin}/webhooks", timeout=5).text


def test_a_prediction_is_canceled_from_its_page(
    local: LocalServer, browser: requests.Session, call: Any
) -> None:
    made = call.create("local/slow", {"seconds": 30})
    page = browser.post(f"{local.origin}/p/{made['id']}/cancel", timeout=5)
    assert "canceled" in page.text
    assert call.get(made["urls"]["get"]).json()["status"] == "canceled"


@pytest.mark.slow
def test_what_was_dropped_is_told(browser: requests.Session) -> None:
    with LocalServer(keep_predictions=1) as server:
        server.script("me/quick", output="x")
        for _ in range(3):
            browser.post(f"{server.origin}/m/me/quick", files={"x": ""}, timeout=5)
            server.jobs.all()[0].wait(5)
        deadline = time.monotonic() + 5
        while server.jobs.dropped < 2:  # they are dropped just after their end
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "2 older ones were dropped" in browser.get(f"{server.origin}/p", timeout=5).text


@pytest.mark.parametrize("output", ["half \ud800", "http://[x", ["http://[x", {"a": "\udfff"}]])
def test_no_output_breaks_a_page(
    local: LocalServer, browser: requests.Session, call: Any, output: object
) -> None:
    local.script("me/odd", output=output)
    made = call.create("me/odd", {}, Prefer="wait=5")
    for path in ("/p", f"/p/{made['id']}", "/requests"):
        response = browser.get(local.origin + path, timeout=5)
        assert (response.status_code, "me/odd" in response.text) == (200, True), path


def test_secrets_are_hidden(local: LocalServer, browser: requests.Session, call: Any) -> None:
    local.script("me/any", output="x")
    model = local.models.get("me/any")
    assert model is not None
    key = {"type": "string", "format": "password"}
    local.models.add(replace(model, input={"type": "object", "properties": {"key": key}}))
    made = call.create("me/any", {"key": "hunter2"})
    # The last one has a row for a request in which the secret was sent.
    for path in (f"/p/{made['id']}", "/p", f"/m/me/any?from={made['id']}", "/requests"):
        assert "hunter2" not in browser.get(local.origin + path, timeout=5).text
    form = {"data": {"key": "hunter2"}, "files": {"x": ""}, "timeout": 5}
    code = browser.post(f"{local.origin}/m/me/any/code", **form).json()
    for written in code.values():  # it is shown while the form is filled in
        assert ("[REDACTED]" in written, "hunter2" in written) == (True, False)


def test_beyond_loopback_the_page_asks_for_the_token() -> None:
    with LocalServer("0.0.0.0", token="secret") as server, requests.Session() as session:
        session.trust_env = False
        session.headers["Accept"] = "text/html"
        for path in ("/", "/p", "/live/p", "/requests"):
            asked = session.get(server.origin + path, timeout=5)
            assert asked.url == f"{server.origin}/login"
        wrong = session.post(f"{server.origin}/login", data={"token": "r8_local"}, timeout=5)
        assert wrong.status_code == 403
        assert session.post(f"{server.origin}/m/me/x", timeout=5).url.endswith("/login")
        opened = session.post(f"{server.origin}/login", data={"token": "secret"}, timeout=5)
        assert "Replicate, on this machine" in opened.text
        assert "secret" not in opened.text
        (cookie,) = session.cookies
        assert "secret" not in str(cookie.value)
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert session.get(f"{server.url}/account", timeout=5).status_code == 401  # pages only
        assert session.get(f"{server.origin}/p", timeout=5).status_code == 200


def test_a_page_of_another_origin_can_do_nothing_here(local: LocalServer) -> None:
    headers = {"Origin": "https://evil.example"}
    for method, path in (
        ("POST", "/m/replicate/hello-world"),
        ("POST", "/requests/faults"),
        ("POST", "/login"),
        ("GET", "/live/p"),
        ("GET", "/"),
    ):
        response = requests.request(method, local.origin + path, headers=headers, timeout=5)
        assert response.status_code == 403
    assert (local.jobs.all(), len(local.faults)) == ([], 0)
