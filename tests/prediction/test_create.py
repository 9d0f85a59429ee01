"""What costs money is created once: where the response was lost, it is looked up and adopted."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
import responses
from wire import CUT, END, MakeClient, Request, StartWire, Wire, response

from replicate_sync import (
    ConnectionFailed,
    InvalidInputError,
    Replicate,
    ReplicateError,
    ResponseError,
    Retries,
    ServerError,
)
from replicate_sync.prediction.create_options import webhook_fields
from replicate_sync.prediction.lookup import parse_api_time

Reply = Callable[[Request], list[Any]]

API = "https://api.replicate.com/v1"
VERSION = "ab" * 32


def prediction(status: str = "starting", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": status, **fields}


def page(*items: dict[str, Any]) -> bytes:
    return response({"next": None, "previous": None, "results": list(items)})


class Api:
    """Creates a prediction at each POST, whose output is its number, and lists the newest first.

    Args:
        first_response: The steps of the response to the first POST.
        lists: Whether the list has what was created.
    """

    def __init__(self, first_response: list[Any], *, lists: bool = True) -> None:
        self.first_response = first_response
        self.lists = lists
        self.created: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> list[Any]:
        if request.method == "POST":
            return self.create(request)
        if request.path == "/v1/predictions":
            return [page(*self.created[::-1]) if self.lists else page()]
        [data] = [one for one in self.created if request.path.endswith(one["id"])]
        return [response(data)]

    def create(self, request: Request) -> list[Any]:
        number = len(self.created) + 1
        data = prediction("succeeded", id=f"p{number}", input=request.json["input"], output=number)
        self.created.append(data)
        return self.first_response if number == 1 else [response(data, 201)]


# -- Adopting --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "first_response",
    [
        [CUT],
        [END],
        [response({"detail": "x"}, 500)],
        [response(b"<html>bad gateway</html>", 502)],
        [response(b'{"id": "p1", "sta', 201)],
        [response({"ok": True}, 201)],
        [response(b"", 201)],
        [b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{", END],
        [5.0],
    ],
    ids=[
        "reset",
        "closed",
        "500",
        "502",
        "cut JSON",
        "another object",
        "empty",
        "short body",
        "silence",
    ],
)
def test_after_a_lost_response_the_prediction_is_adopted_and_not_created_again(
    wire: StartWire, client_of: MakeClient, first_response: list[Any]
) -> None:
    api = Api(first_response)
    server = wire(api)
    assert client_of(server, timeout=0.15).run("a/b", {"prompt": "x"}) == 1
    assert len(api.created) == 1
    for listing in server.seen("GET", "/v1/predictions"):
        assert listing.query["created_after"].endswith("Z")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost_response", "kind"),
    [([CUT], ConnectionFailed), ([response({"detail": "x"}, 503)], ServerError)],
)
@pytest.mark.parametrize(
    "listed",
    [
        [page(prediction(input={"y": 1}), prediction(model="c/d"))],
        [response({"results": ["no prediction"], "next": None})],
        [response({"detail": "no"}, 403)],
    ],
    ids=["others", "no predictions", "refused"],
)
def test_what_cannot_be_found_may_have_been_created(
    wire: StartWire,
    client_of: MakeClient,
    lost_response: list[Any],
    kind: type[ReplicateError],
    listed: list[Any],
) -> None:
    server = wire(lambda request: lost_response if request.method == "POST" else listed)
    with pytest.raises(kind) as raised:
        client_of(server).run("a/b", {"prompt": "x"})
    assert raised.value.maybe_created  # type: ignore[attr-defined]
    assert "A prediction may have been created; see client.predictions.list()" in str(raised.value)
    assert [request.method for request in server.requests].count("POST") == 1
    assert server.seen("GET", "/v1/predictions")


@pytest.mark.slow
def test_a_prediction_that_is_known_here_is_never_adopted_for_another(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api([CUT])

    def reply(request: Request) -> list[Any]:
        is_second_create = request.method == "POST" and bool(api.created)
        return [CUT] if is_second_create else api(request)

    client = client_of(wire(reply))
    assert client.run("a/b", {"prompt": "x"}) == 1
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client.run("a/b", {"prompt": "x"})


@pytest.mark.slow
def test_many_threads_that_lose_their_responses_adopt_one_prediction_each(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api([])
    lock = threading.Lock()

    def reply(request: Request) -> list[Any]:
        with lock:
            steps = api(request)
        return [CUT] if request.method == "POST" else steps

    client = client_of(wire(reply))
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(client.run("a/b", {"prompt": "x"})))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
@pytest.mark.parametrize("given", [{"a": (1, 2)}, {"a": {1: 2}}, {"a": 1.0}, {"a": "é\u2028"}])
def test_an_input_is_recognized_by_its_json(
    wire: StartWire, client_of: MakeClient, given: dict[str, Any]
) -> None:
    api = Api([CUT])
    assert client_of(wire(api)).run("a/b", given) == 1
    assert len(api.created) == 1


def seconds_ago(seconds: float) -> str:
    """Return a time of the past as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() - seconds))


def lost_create(server: StartWire, *listed: dict[str, Any], **headers: str) -> Wire:
    """Start a server that loses the response to each create, and lists these predictions."""
    listing = response({"next": None, "results": list(listed)}, **headers)
    return server(lambda request: [CUT] if request.method == "POST" else [listing])


@pytest.mark.slow
@pytest.mark.parametrize("age", [-1.0, 40 * 86400.0])
def test_a_prediction_that_was_created_since_the_call_is_adopted(
    wire: StartWire, client_of: MakeClient, age: float
) -> None:
    # A server that lists one of another month as created in the last minute has another clock.
    data = prediction("succeeded", output=5, input={"x": 1}, created_at=seconds_ago(age))
    assert client_of(lost_create(wire, data)).run("a/b", {"x": 1}) == 5


@pytest.mark.slow
@pytest.mark.parametrize("created_at", [None, "yesterday", 5])
def test_a_prediction_without_a_time_is_adopted(
    wire: StartWire, client_of: MakeClient, created_at: object
) -> None:
    data = prediction("succeeded", output=5, input={"x": 1}, created_at=created_at)
    assert client_of(lost_create(wire, data)).run("a/b", {"x": 1}) == 5


@pytest.mark.slow
@pytest.mark.parametrize("age", [5, 3600])
def test_a_prediction_that_is_older_than_the_call_is_not_adopted(
    wire: StartWire, client_of: MakeClient, age: float
) -> None:
    data = prediction("succeeded", output=5, input={"x": 1}, created_at=seconds_ago(age))
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(lost_create(wire, data)).run("a/b", {"x": 1})


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [-50, 50])
def test_the_clock_of_the_api_says_what_is_older_than_the_call(
    wire: StartWire, client_of: MakeClient, ahead: float
) -> None:
    new = prediction("succeeded", output=1, input={"x": 1}, created_at=seconds_ago(-1 - ahead))
    old = prediction("succeeded", output=2, input={"x": 2}, created_at=seconds_ago(10 - ahead))
    server = lost_create(wire, new, old, Date=formatdate(time.time() + ahead, usegmt=True))
    assert client_of(server).run("a/b", {"x": 1}) == 1
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server).run("a/b", {"x": 2})


@pytest.mark.slow
def test_a_list_whose_pages_go_round_in_circles_is_left(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [CUT]
        return [response({"next": f"{server.url}/predictions?cursor=1", "results": []})]

    server = wire(reply)
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server).run("a/b", {"x": 2})
    assert {request.query.get("cursor") for request in server.requests} == {None, "1"}


@pytest.mark.slow
def test_after_its_deadline_a_lost_prediction_is_still_adopted(
    wire: StartWire, client_of: MakeClient
) -> None:
    listing = page(prediction(id="p7"))
    server = wire(lambda request: [20.0] if request.method == "POST" else [listing])
    create = client_of(server, timeout=60).predictions.create
    assert create("a/b", {"prompt": "x"}, deadline=0.1).id == "p7"


@pytest.mark.scale
def test_after_its_deadline_a_lost_prediction_is_looked_up_within_a_second(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda request: [20.0])
    started = time.monotonic()
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server, timeout=60).predictions.create("a/b", deadline=0.1)
    assert time.monotonic() - started < 4
    assert len(server.seen("GET", "/v1/predictions")) == 1


# -- Provably not created --------------------------------------------------------------------------


def test_a_create_that_never_left_is_retried_and_nothing_may_have_been_created() -> None:
    client = Replicate(base_url="http://127.0.0.1:9", retries=Retries(attempts=3, first=0.01))
    with pytest.raises(ConnectionFailed, match="refused") as raised:
        client.run("a/b")
    assert not raised.value.maybe_created
    assert "may have been created" not in str(raised.value)


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 413, 422])
def test_a_create_that_was_refused_is_neither_retried_nor_looked_up(
    wire: StartWire, client_of: MakeClient, status: int
) -> None:
    server = wire(lambda request: [response({"detail": "no"}, status)])
    with pytest.raises(ResponseError) as raised:
        client_of(server).run(f"a/b:{VERSION}")
    assert len(server.requests) == 1
    assert not raised.value.maybe_created


def test_a_create_that_came_too_often_is_retried(wire: StartWire, client_of: MakeClient) -> None:
    def reply(request: Request) -> list[Any]:
        if len(server.requests) == 1:
            return [response({"detail": "later", "retry_after": 0.01}, 429)]
        return [response(prediction("succeeded", output=1), 201)]

    server = wire(reply)
    assert client_of(server).run("a/b") == 1
    assert [request.method for request in server.requests] == ["POST", "POST"]


# -- The request -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancel_after", "header"),
    [(30, "30s"), ("5m", "5m"), ("1h30m45s", "1h30m45s"), ("45", "45"), (90.0, "90s")],
)
@responses.activate
def test_the_api_is_asked_to_cancel_after_a_time(cancel_after: float | str, header: str) -> None:
    responses.post(f"{API}/predictions", json=prediction(), status=201)
    Replicate("r8_x").predictions.create(VERSION, cancel_after=cancel_after)
    assert responses.calls[0].request.headers["Cancel-After"] == header


@pytest.mark.parametrize(
    "cancel_after", [4, 86401, "soon", "", "-5m", "2 days", True, math.nan, math.inf, [1]]
)
def test_a_time_after_which_the_api_cannot_cancel_is_refused(cancel_after: Any) -> None:
    with pytest.raises(InvalidInputError, match="cancel_after"):
        Replicate("r8_x").predictions.create(VERSION, cancel_after=cancel_after)


@pytest.mark.parametrize(
    ("wait", "header"),
    [(False, None), (0, None), (None, None), (True, "wait"), (60, "wait"), (5.5, "wait=5")],
)
@responses.activate
def test_the_api_is_asked_to_hold_its_response_back(
    wait: float | bool | None, header: str | None
) -> None:
    responses.post(f"{API}/predictions", json=prediction("succeeded", output=1), status=201)
    Replicate("r8_x").predictions.create(VERSION, wait=wait)
    assert responses.calls[0].request.headers.get("Prefer") == header


@pytest.mark.parametrize("wait", ["60", math.nan, -1, [1]])
def test_a_wait_that_is_no_number_of_seconds_is_refused(wait: Any) -> None:
    with pytest.raises(InvalidInputError, match="wait must be a number of seconds"):
        Replicate("r8_x").run("a/b", wait=wait)


@pytest.mark.parametrize(
    ("webhook", "events", "fields"),
    [
        (None, None, {}),
        ("https://me.example/hook", None, {"webhook": "https://me.example/hook"}),
        (
            "https://me.example/hook",
            "completed",
            {"webhook": "https://me.example/hook", "webhook_events_filter": ["completed"]},
        ),
        (None, ("start", "logs"), {"webhook_events_filter": ["start", "logs"]}),
    ],
)
def test_a_webhook_is_asked_for_by_its_fields(
    webhook: str | None, events: Any, fields: dict[str, object]
) -> None:
    assert webhook_fields(webhook, events) == fields


@pytest.mark.parametrize(
    ("webhook", "events", "name"),
    [
        ("nowhere", None, "webhook must be an absolute URL"),
        ("http://[bad", None, "webhook must be an absolute URL"),
        (None, ["ended"], "webhook_events_filter takes start, output, logs, completed"),
        (None, 5, "webhook_events_filter takes start, output, logs, completed, not 5"),
    ],
)
def test_a_webhook_that_cannot_be_called_is_refused(webhook: Any, events: Any, name: str) -> None:
    with pytest.raises(InvalidInputError, match=name):
        webhook_fields(webhook, events)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00.5Z", 60.5),
        ("1970-01-01T00:01:00.123456789Z", 60.123456789),
        ("1970-01-01T00:01:00+00:00", 60.0),
        ("1970-01-01T00:01:00+01:00", None),
        ("1970-13-01T00:01:00Z", None),
        ("1970-01-01", None),
        ("", None),
        (None, None),
        (60, None),
    ],
)
def test_a_time_of_the_api_is_parsed_to_seconds(text: object, seconds: float | None) -> None:
    assert parse_api_time(text) == (seconds if seconds is None else pytest.approx(seconds))
