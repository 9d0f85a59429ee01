"""Faults happen as they are set, and the package's own client copes with them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from replicate_sync import (
    AuthenticationError,
    ConnectionFailed,
    PaymentRequiredError,
    Polling,
    RateLimitError,
    Replicate,
    ReplicateError,
    ResponseError,
    Retries,
    ServerError,
)
from replicate_sync.server import LocalServer

TOKENS = ["Once", " upon", "\n", "a\nb", "\N{SNOWMAN} and é", " end"]


TEXT = "".join(TOKENS)


@pytest.fixture
def client(local: LocalServer) -> Iterator[Replicate]:
    local.script("me/llm", tokens=TOKENS, delay=0.002)
    quick = {
        "retries": Retries(first=0.002, ceiling=0.005),
        "polling": Polling(attempts=200, delay=0.01),
    }
    with Replicate(local.token, base_url=local.url, timeout=5, **quick) as made:
        yield made


def created(local: LocalServer) -> int:
    """How many predictions there are on the server."""
    return len(local.jobs.all())


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        ("available", "Request was throttled. Expected available in 1 second."),
        ("resets", "Request was throttled. Your rate limit resets in ~1s."),
        (
            "reduced",
            "Request was throttled. Your rate limit for creating predictions is reduced to 6 ",
        ),
    ],
)
def test_too_many_requests_are_refused_in_each_of_the_three_ways(
    local: LocalServer, call: Any, client: Replicate, words: Any, detail: str
) -> None:
    local.faults.rate_limit(words=words)
    local.faults.rate_limit(words=words, header=False)
    with_header, without = call.get("/v1/account"), call.get("/v1/account")
    assert with_header.status_code == without.status_code == 429
    assert with_header.json()["detail"].startswith(detail)
    assert with_header.json().get("retry_after") == (1 if words == "reduced" else None)
    assert (with_header.headers["Retry-After"], without.headers.get("Retry-After")) == ("1", None)
    assert with_header.headers["Content-Type"] == "application/problem+json"
    assert call.get("/v1/account").status_code == 200

    local.faults.rate_limit(
        2, words=words, header=words == "resets", retry_after=0, on="POST */predictions"
    )
    assert client.run("me/llm") == TEXT
    assert created(local) == 1
    local.faults.rate_limit(99, words=words, retry_after=0)
    with pytest.raises(RateLimitError):
        client.account.get()


@pytest.mark.slow
@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_are_retried_where_nothing_can_have_been_created(
    local: LocalServer, call: Any, client: Replicate, status: int, html: bool
) -> None:
    local.faults.error(status, html=html)
    response = call.get("/v1/account")
    assert response.status_code == status
    assert ("html" in response.headers["Content-Type"]) is html
    local.faults.error(status, 2, html=html, on="GET *")
    assert client.run("me/llm") == TEXT
    local.faults.clear()
    local.faults.error(status, html=html, on="POST *")
    before = created(local)
    with pytest.raises(ServerError) as raised:
        client.run("me/llm")
    assert raised.value.maybe_created
    assert created(local) == before


def test_any_status_can_be_the_response(local: LocalServer, client: Replicate) -> None:
    local.faults.error(403, html=True)
    with pytest.raises(AuthenticationError):
        client.account.get()
    local.faults.error(418)
    with pytest.raises(ResponseError, match="I'm a teapot"):
        client.account.get()
    for html in (False, True):
        local.faults.error(522, html=html, on="POST *")  # of a proxy; no standard has it
        with pytest.raises(ServerError, match="522"):
            client.run("me/llm")


@pytest.mark.parametrize("status", [0, 100, 200, 204, 304, 399, 600])
def test_a_status_that_is_no_error_is_refused(local: LocalServer, status: int) -> None:
    with pytest.raises(ValueError, match=f"400 to 599, not {status}"):
        local.faults.error(status)


def test_lack_of_credit_is_refused(local: LocalServer, client: Replicate) -> None:
    local.faults.payment_required()
    assert client.account.get().username == "local"
    with pytest.raises(PaymentRequiredError, match="insufficient credit"):
        client.run("me/llm")
    assert created(local) == 0
    assert client.run("me/llm") == TEXT


@pytest.mark.slow
def test_a_reset_has_no_effect_and_a_lost_response_has_all(
    local: LocalServer, call: Any, client: Replicate
) -> None:
    local.faults.reset(on="GET *")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{local.url}/account", timeout=5)
    local.faults.reset(2, on="GET *")
    assert client.account.get().username == "local"
    local.faults.reset(on="POST *")
    with pytest.raises(ConnectionFailed) as raised:
        client.predictions.create("me/llm")
    assert raised.value.maybe_created
    assert created(local) == 0
    local.faults.lose_response()
    with pytest.raises(requests.ConnectionError):
        call.create("me/llm", {"prompt": "of another program"})
    assert created(local) == 1
    local.faults.lose_response()
    # It finds the prediction whose response was lost: the only one with this input.
    assert client.run("me/llm", {"prompt": "b"}) == TEXT
    assert created(local) == 2


@pytest.mark.slow
def test_headers_can_be_slow(local: LocalServer, client: Replicate) -> None:
    local.faults.slow_headers(0.1)
    begun = time.monotonic()
    assert client.account.get().username == "local"
    assert 0.1 <= time.monotonic() - begun < 5
    local.faults.slow_headers(30, on="GET /v1/account")
    with (
        Replicate(
            local.token, base_url=local.url, timeout=0.05, retries=Retries(attempts=1)
        ) as hasty,
        pytest.raises(ReplicateError),
    ):
        hasty.account.get()


def test_a_server_stops_at_once_in_the_middle_of_a_fault(local: LocalServer) -> None:
    local.faults.slow_headers(30)
    with pytest.raises(requests.Timeout):
        requests.get(f"{local.url}/account", timeout=0.05)
    begun = time.monotonic()
    local.stop()
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("after", [0, 1, 3, 6])
@pytest.mark.parametrize("reset", [False, True])
def test_a_stream_that_is_cut_loses_nothing(
    local: LocalServer, client: Replicate, after: int, reset: bool
) -> None:
    local.faults.cut_stream(after, reset=reset)
    assert "".join(client.stream("me/llm")) == TEXT
    assert len(local.faults) == 0


@pytest.mark.slow
def test_a_cut_stream_has_no_done(local: LocalServer, call: Any, client: Replicate) -> None:
    made = call.run("me/llm")
    local.faults.cut_stream(2)
    assert re.findall(rb"event: (\w+)", call.events(made)) == [b"output", b"output"]
    local.faults.cut_stream(2, reset=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call.events(made)
    assert re.findall(rb"event: (\w+)", call.events(made))[-1] == b"done"


@pytest.mark.slow
def test_a_stream_that_stalls_continues(local: LocalServer, client: Replicate) -> None:
    local.faults.stall_stream(0.1, after=2)
    begun = time.monotonic()
    assert "".join(client.stream("me/llm")) == TEXT
    assert time.monotonic() - begun > 0.1


@pytest.mark.slow
def test_a_replayed_stream_repeats_nothing(
    local: LocalServer, call: Any, client: Replicate
) -> None:
    made = call.run("me/llm")
    last = re.findall(rb"id: (\S+)", call.events(made))[2].decode()
    assert len(re.findall(rb"event: output", call.events(made, Last_Event_ID=last))) == 3
    local.faults.replay_stream()
    assert len(re.findall(rb"event: output", call.events(made, Last_Event_ID=last))) == 6
    local.faults.cut_stream(2)
    local.faults.replay_stream(2)
    assert "".join(client.stream("me/llm")) == TEXT


@pytest.mark.slow
def test_a_stream_in_pieces_of_any_size_is_the_same_text(
    local: LocalServer, call: Any, client: Replicate
) -> None:
    made = call.run("me/llm")
    usual = call.events(made)
    local.faults.split_stream()
    assert call.events(made) == usual
    local.faults.crlf_stream()
    assert call.events(made) == usual.replace(b"\n", b"\r\n")
    for faults in (["split"], ["crlf"], ["split", "crlf"]):
        for fault in faults:
            getattr(local.faults, f"{fault}_stream")()
        assert "".join(client.stream("me/llm")) == TEXT
    assert len(local.faults) == 0


@pytest.mark.slow
def test_removed_data_is_marked(local: LocalServer, call: Any, client: Replicate) -> None:
    made = call.run("me/llm")
    local.faults.data_removed()
    gone = call.get(made["urls"]["get"]).json()
    assert (gone["output"], gone["input"], gone["logs"], gone["data_removed"]) == (
        None,
        {},
        "",
        True,
    )
    assert gone["status"] == "succeeded"
    assert call.get(made["urls"]["get"]).json()["output"] == TOKENS
    local.faults.data_removed()
    assert client.predictions.get(made["id"]).data_removed


def test_a_fault_happens_as_often_and_where_it_is_set(local: LocalServer, call: Any) -> None:
    local.faults.error(503, 2, on="GET /v1/models/*")
    local.faults.error(500, on="GET *")
    local.faults.slow_headers(0.01, on="GET *")  # another kind, so that both happen at once
    statuses = [
        call.get(path).status_code
        for path in ("/v1/models/a/b", "/v1/account", "/v1/models/a/b", "/v1/models/a/b")
    ]
    assert statuses == [503, 500, 503, 404]
    local.faults.reset(5)
    local.faults.clear()
    assert call.get("/v1/account").status_code == 200
    with pytest.raises(ValueError, match="at least once"):
        local.faults.reset(0)
