"""Requests to the API: what is sent, what comes back, and which error it is when it does not."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import pickle
import socket
import threading
import time
from typing import Any

import pytest
import responses
from wire import CUT, END, TOKEN, MakeClient, Request, StartWire, response

from replicate_sync import (
    AuthenticationError,
    ConnectionFailed,
    InvalidInputError,
    ModelNotFoundError,
    NotFoundError,
    Polling,
    Prediction,
    RateLimitError,
    Replicate,
    ReplicateError,
    ResponseError,
    Retries,
    ServerError,
    UnexpectedDataError,
)
from replicate_sync.deadline import Deadline
from replicate_sync.http.adapter import Delivery
from replicate_sync.http.request import path_segment

PREDICTION = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
ONCE = Retries(attempts=1)
MAX_BODY = 256 * 2**20


def same(value: Any) -> Any:
    return value


def everything(error: BaseException | None) -> str:
    """Return all that a traceback could show of an error and its causes."""
    shown = ""
    while error is not None:
        shown += f"{error}{error!r}{getattr(error, '__dict__', '')}"
        request = getattr(error, "request", None)
        shown += str(getattr(request, "headers", ""))
        error = error.__cause__ or error.__context__
    return shown


@responses.activate
def test_a_request_names_its_sender_and_its_token() -> None:
    responses.get("https://api.replicate.com/v1/predictions/p1", json=PREDICTION)
    Replicate("r8_abc", headers={"X-Team": "blue"}).predictions.get("p1")
    sent = responses.calls[0].request.headers
    assert sent["Authorization"] == "Bearer r8_abc"
    assert sent["User-Agent"].startswith("replicate-sync/")
    assert sent["X-Team"] == "blue"


def test_a_query_that_the_caller_changes_is_sent_as_it_is_now(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response({})])
    client = client_of(server)
    query = {"cursor": "1"}
    client.request("GET", "/predictions", params=query)
    query["cursor"] = "2"
    client.request("GET", "/predictions", params=query)
    assert [request.query for request in server.requests] == [{"cursor": "1"}, {"cursor": "2"}]


@responses.activate
def test_the_callers_headers_are_never_changed_and_no_token_stays_in_them() -> None:
    responses.get("https://api.replicate.com/v1/predictions/p1", json=PREDICTION)
    mine = {"X-Team": "blue"}
    for token in ("A", "B"):
        Replicate(token, headers=mine).predictions.get("p1")
        assert responses.calls[-1].request.headers["Authorization"] == f"Bearer {token}"
    assert mine == {"X-Team": "blue"}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_retried_after_a_passing_failure(
    wire: StartWire, client_of: MakeClient, status: int
) -> None:
    server = wire(
        lambda r: [response({}, status) if len(server.requests) < 3 else response(PREDICTION)]
    )
    assert client_of(server).predictions.get("p1").output == "hi"
    assert len(server.requests) == 3


def test_a_read_is_retried_after_a_cut_and_given_up_in_the_end(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [CUT] if len(server.requests) < 3 else [response(PREDICTION)])
    assert client_of(server).predictions.get("p1").output == "hi"
    server = wire(lambda r: [CUT])
    with pytest.raises(ConnectionFailed, match="lost before the response was complete") as raised:
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 5
    assert raised.value.maybe_sent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_time_does_not_mend_is_not_retried(
    wire: StartWire, client_of: MakeClient, status: int
) -> None:
    server = wire(lambda r: [response({"detail": "no"}, status)])
    with pytest.raises(ResponseError):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (response(b"<html>welcome</html>", Content_Type="text/html"), "<html>welcome"),
        (response(b'{"id": "p1", "sta'), "is not JSON"),
        (response(b"\xff\xfe\x00"), "is not JSON"),
        (response([1, 2]), "not a prediction"),
        (response({"id": "p1"}), "not a prediction"),
        (response({"id": 5, "status": "starting"}), "not a prediction"),
        (response({"id": "p1", "status": None}), "not a prediction"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "not a prediction"),
        (response(b"null"), "not a prediction"),
        (response(b" \n"), "not a prediction"),
        (response(b"[" * 100_000), "is not JSON"),
        (
            response(b"", 302, Location="https://elsewhere.example/v1"),
            "a redirect to elsewhere.example, which is not followed",
        ),
    ],
)
def test_a_bad_response_of_a_good_status_is_an_error_that_quotes_it(
    wire: StartWire, client_of: MakeClient, bad: bytes, says: str
) -> None:
    server = wire(lambda r: [bad])
    with pytest.raises(ResponseError, match=says) as raised:
        client_of(server).predictions.get("p1")
    assert len(str(raised.value)) < 600


def test_data_of_another_kind_is_named_by_who_parses_it(wire: StartWire, transport_of: Any) -> None:
    def build(value: object) -> None:
        raise UnexpectedDataError("a list of two", str(value))

    server = wire(lambda r: [response([1])])
    with pytest.raises(ResponseError, match="is not a list of two") as raised:
        transport_of(server).request("GET", "/x", build=build)
    assert raised.value.response.json() == [1]


def test_a_body_that_is_not_json_is_decoded_as_asked(wire: StartWire, transport_of: Any) -> None:
    server = wire(lambda r: [response("é".encode(), Content_Type="text/plain")])
    text = transport_of(server).request("GET", "/x", decode=bytes.decode, build=same)
    assert text == "é"


def test_a_body_that_is_cut_short_or_too_slow_is_an_error_in_time(
    wire: StartWire, client_of: MakeClient
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    cut = wire(lambda r: [head + b'{"id": "p1", "status": "succeeded"}', END])
    with pytest.raises(ConnectionFailed, match="lost before"):
        client_of(cut, retries=ONCE).predictions.get("p1")
    slow = wire(lambda r: [head, *[step for _ in range(80) for step in (b" ", 0.02)]])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent|lost"):
        client_of(slow, retries=ONCE, timeout=0.1).predictions.get("p1")
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_a_decompression_bomb_is_refused(wire: StartWire, client_of: MakeClient) -> None:
    bomb = gzip.compress(bytes(2**24), 1) * (MAX_BODY // 2**24 + 1)
    server = wire(lambda r: [response(bomb, Content_Encoding="gzip")])
    with pytest.raises(ResponseError, match="not shorter than 256 MB"):
        client_of(server, timeout=60).predictions.get("p1")  # a busy machine unpacks slowly
    assert len(server.requests) == 1


def test_a_redirect_is_followed_on_the_api_and_the_token_goes_nowhere_else(
    wire: StartWire, client_of: MakeClient
) -> None:
    other = wire(lambda r: [response(PREDICTION)])

    def respond(request: Request) -> list[bytes]:
        if request.path == "/v1/predictions/old":
            return [response(b"", 307, Location="/v1/predictions/new")]
        if request.path == "/v1/predictions/away":
            return [response(b"", 307, Location=f"{other.url}/predictions/p1")]
        return [response({**PREDICTION, "id": "old"})]

    server = wire(respond)
    assert client_of(server).predictions.get("old").id == "old"
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {TOKEN}"}
    with pytest.raises(ResponseError, match="redirect"):
        client_of(server).predictions.get("away")
    assert other.requests == []


@responses.activate
@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://api.example:443/v1", "api.example"),
        ("https://api.example/v1", "api.example:443"),
        ("https://API.example/v1", "api.example"),
        ("https://bücher.example/v1", "xn--bcher-kva.example"),
    ],
)
def test_the_token_goes_to_its_origin_however_that_is_written(base_url: str, host: str) -> None:
    away = {"Location": f"https://{host}/v1/predictions/new"}
    for name in (host, host.partition(":")[0], f"{host.partition(':')[0]}:443"):
        responses.get(f"https://{name}/v1/predictions/old", status=307, headers=away)
        responses.get(f"https://{name}/v1/predictions/new", json={**PREDICTION, "id": "old"})
    assert Replicate("r8_abc", base_url=base_url).predictions.get("old").id == "old"
    sent = [call.request.headers.get("Authorization") for call in responses.calls]
    assert sent == ["Bearer r8_abc"] * 2


def test_a_redirect_of_anything_but_a_read_is_an_error(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response(b"", 307, Location="/v1/elsewhere")])
    with pytest.raises(ResponseError, match="redirect"):
        client_of(server).predictions.cancel("p1")
    assert len(server.requests) == 1


def test_a_redirect_without_end_is_an_error(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(b"", 302, Location=r.path)])
    with pytest.raises(ResponseError, match="redirect"):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 5


def test_a_server_that_repeats_the_token_does_not_get_it_into_an_error(
    wire: StartWire, client_of: MakeClient
) -> None:
    for status in (200, 401, 500):
        server = wire(lambda r, status=status: [response(f"you sent {r.headers}".encode(), status)])
        with pytest.raises(ResponseError) as raised:
            client_of(server, retries=ONCE).predictions.get("p1")
        assert TOKEN not in everything(raised.value)
        assert TOKEN not in raised.value.response.text


@pytest.mark.parametrize(
    "body", [{"you": TOKEN}, {"id": "p1", "status": "failed", "error": TOKEN, "logs": TOKEN}]
)
def test_the_token_is_cut_out_of_what_the_api_says(
    wire: StartWire, client_of: MakeClient, body: dict[str, str]
) -> None:
    server = wire(lambda r: [response(body, 201, Content_Type=f"x/{TOKEN}")])
    client = client_of(server, retries=ONCE)
    for call in (lambda: client.run("a/b"), lambda: next(client.predictions.list())):
        with pytest.raises(ReplicateError) as raised:
            call()
        assert TOKEN not in str(raised.value)


def test_the_token_is_cut_out_of_the_headers_of_an_error(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response(b"no", 400, X_Echo=TOKEN)])
    with pytest.raises(ResponseError) as raised:
        client_of(server).run("a/b")
    assert raised.value.response.headers["x-echo"] == "***"
    assert TOKEN not in everything(raised.value)


def test_the_token_shows_in_no_error_no_repr_and_no_log(
    wire: StartWire, client_of: MakeClient, transport_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = wire(lambda r: [CUT])
    client = client_of(server, retries=ONCE)
    with pytest.raises(ConnectionFailed) as raised:
        client.predictions.get("p1")
    assert TOKEN not in everything(raised.value)
    assert TOKEN not in repr(client) + repr(vars(client))
    assert TOKEN not in repr(vars(transport_of(server)))
    assert TOKEN not in caplog.text


def test_each_request_and_each_retry_has_its_line_in_the_log(
    wire: StartWire, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "replicate_sync")
    server = wire(
        lambda r: [response({}, 503) if len(server.requests) == 1 else response(PREDICTION)]
    )
    client_of(server).predictions.get("p1")
    client_of(server).run("a/b", {"prompt": "nobody else's business"})
    records = [record for record in caplog.records if record.name == "replicate_sync"]
    assert [record.levelname for record in records] == ["DEBUG", "WARNING", "DEBUG", "DEBUG"]
    lines = [record.getMessage() for record in records]
    assert lines[0].startswith("GET /v1/predictions/p1: 503 in ")
    assert lines[1].startswith("GET /v1/predictions/p1: attempt 1 failed, retrying in 0.0 s: ")
    assert lines[2].startswith("GET /v1/predictions/p1: 200 in ")
    assert lines[3].startswith("POST /v1/models/a/b/predictions: 200 in ")
    assert "nobody else" not in caplog.text
    assert "replicatestatus" not in caplog.text  # a hint is for the error that is raised in the end


def test_silence_is_an_error_after_the_timeout(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [10.0])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent for 0.1 s.*timeout="):
        client_of(server, timeout=0.1, retries=ONCE).predictions.get("p1")
    assert time.monotonic() - began < 2


def test_the_response_is_held_for_less_than_the_silence_that_is_allowed(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response(PREDICTION, 201)])
    for timeout, wait, header in [
        (180, 60, "wait"),
        (180, 90, "wait"),
        (180, 7, "wait=7"),
        (8, 60, "wait=6"),
        (0.9, 60, None),
    ]:
        client_of(server, timeout=timeout).run("a/b", wait=wait)
        assert server.requests[-1].headers.get("prefer") == header


def test_the_response_is_held_for_no_longer_than_the_deadline(
    wire: StartWire, transport_of: Any
) -> None:
    transport = transport_of(wire(lambda r: []), timeout=180)
    assert transport.hold_seconds(60, Deadline(20)) == 14
    assert transport.hold_seconds(60, Deadline(0.5)) == 0


@pytest.mark.slow
def test_a_deadline_bounds_a_request_and_an_expired_one_leaves_a_last_chance(
    wire: StartWire, transport_of: Any
) -> None:
    transport = transport_of(wire(lambda r: [10.0]), retries=ONCE)
    expired = Deadline(5)
    expired.expire()
    for deadline in (Deadline(0.1), expired):
        began = time.monotonic()
        with pytest.raises(ConnectionFailed, match="the time for it was up"):
            transport.request("GET", "/x", deadline=deadline, build=same)
        assert time.monotonic() - began < 2


@pytest.mark.slow
def test_a_body_that_falls_silent_ends_at_the_deadline(wire: StartWire, transport_of: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    transport = transport_of(wire(lambda r: [head, 0.6, b"1", 5.0]), retries=ONCE)
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match="the time for it was up"):
        transport.request("GET", "/x", deadline=Deadline(0.7), build=same)
    assert time.monotonic() - began < 1.1


def test_a_caller_who_leaves_sends_once(wire: StartWire, transport_of: Any) -> None:
    server = wire(lambda r: [response({}, 500)])
    with pytest.raises(ServerError):
        transport_of(server).request("GET", "/x", single_attempt=1.0, build=same)
    assert len(server.requests) == 1


@pytest.mark.parametrize("steps", [[response({})], [response({}, 500)], [CUT], [10.0]])
def test_a_caller_learns_that_the_whole_request_has_left(
    wire: StartWire, transport_of: Any, steps: list[Any]
) -> None:
    delivery = Delivery()
    transport = transport_of(wire(lambda r: steps), retries=ONCE, timeout=0.1)
    with contextlib.suppress(ReplicateError):
        transport.request("POST", "/x", {}, repeatable=False, delivery=delivery, build=same)
    assert delivery.sent == "all"


def test_a_caller_learns_that_nothing_of_the_request_has_left(transport_of: Any) -> None:
    delivery = Delivery()
    server = type("Nobody", (), {"url": "http://127.0.0.1:9/v1"})
    with pytest.raises(ConnectionFailed) as raised:
        transport_of(server, retries=ONCE).request("POST", "/x", {}, delivery=delivery, build=same)
    assert delivery.sent == "nothing"
    assert not raised.value.maybe_sent


@pytest.mark.slow
def test_a_caller_learns_that_a_part_of_the_request_has_left(transport_of: Any) -> None:
    delivery = Delivery()
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and reads nothing
        server = type("Deaf", (), {"url": f"http://127.0.0.1:{listener.getsockname()[1]}/v1"})
        transport = transport_of(server, retries=ONCE, timeout=0.1)
        with pytest.raises(ConnectionFailed) as raised:
            transport.request("POST", "/x", "x" * 20_000_000, delivery=delivery, build=same)
    assert delivery.sent == "some"
    assert raised.value.maybe_sent


@pytest.mark.parametrize("headers", ["x", {"a": 1}, {1: "a"}, [("a", "b")]])
def test_what_are_no_headers_is_refused(headers: Any) -> None:
    with pytest.raises(InvalidInputError, match="headers must be a mapping"):
        Replicate(headers=headers)


@pytest.mark.parametrize("wrong", [{"polling": 5}, {"retries": 5}])
def test_what_is_no_policy_is_refused_when_the_client_is_made(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{next(iter(wrong))} must be a"):
        Replicate(**wrong)


def test_a_repr_never_fails_and_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hidden" not in repr(Replicate(base_url="http://user:hidden@127.0.0.1"))
    monkeypatch.setenv("REPLICATE_BASE_URL", "nonsense")
    assert repr(Replicate()) == "<Replicate at an invalid base URL>"
    with pytest.raises(InvalidInputError, match="REPLICATE_BASE_URL"):
        _ = Replicate().base_url


def test_a_pickled_client_carries_a_given_token_and_no_other(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(lambda r: [response(PREDICTION)])
    with_token = Replicate("r8_given", base_url=server.url)
    without_token = Replicate(base_url=server.url)
    without_token.predictions.get("p1")
    given = pickle.dumps(with_token)
    environment = pickle.dumps(without_token)
    assert TOKEN.encode() not in environment
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_there")
    for data, token in [(given, "r8_given"), (environment, "r8_there")]:
        pickle.loads(data).predictions.get("p1")
        assert server.requests[-1].headers["authorization"] == f"Bearer {token}"


def test_a_pickled_prediction_lives_on(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(PREDICTION)])
    prediction = client_of(server).predictions.get("p1")
    copy: Prediction = pickle.loads(pickle.dumps(prediction))
    assert copy.reload().output == "hi"


def test_a_pickled_prediction_is_not_new_where_it_is_unpickled(
    wire: StartWire, client_of: MakeClient
) -> None:
    starting = {**PREDICTION, "status": "starting", "output": None}
    server = wire(lambda r: [response(starting if r.method == "POST" else PREDICTION, 201)])
    created = client_of(server, polling=Polling()).predictions.create("a/b", {})
    copy: Prediction = pickle.loads(pickle.dumps(created))
    began = time.monotonic()
    assert copy.wait().output == "hi"
    assert time.monotonic() - began < 0.3  # a new one is polled after 0.35 s


def test_a_pickled_client_takes_no_clock_along(wire: StartWire, transport_of: Any) -> None:
    date = "Thu, 01 Jan 2099 00:00:00 GMT"
    transport = transport_of(wire(lambda r: [response({}, Date=date)]))
    transport.request("GET", "/x", build=same)
    assert transport.clock.is_known
    assert not pickle.loads(pickle.dumps(transport)).clock.is_known


def test_a_missing_model_and_a_wrong_token_are_not_confused(
    wire: StartWire, client_of: MakeClient
) -> None:
    missing = {"detail": "The requested resource could not be found.", "status": 404}
    server = wire(lambda r: [response(missing, 404)])
    with pytest.raises(ModelNotFoundError, match=r"no such model.*'a/bb' \(owner/name"):
        client_of(server).run("a/bb")
    with pytest.raises(NotFoundError) as raised:
        client_of(server).predictions.get("p1")
    assert not isinstance(raised.value, ModelNotFoundError)
    refused = {"title": "Unauthenticated", "detail": "You did not pass…", "status": 401}
    server = wire(lambda r: [response(refused, 401)])
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        client_of(server).run("a/b")
    server = wire(lambda r: [response(b"<html>bad gateway</html>", 502)])
    with pytest.raises(ServerError, match="not your program's fault"):
        client_of(server).predictions.get("p1")


def test_after_too_many_requests_the_pause_of_the_api_is_kept(
    wire: StartWire, client_of: MakeClient
) -> None:
    busy = {"detail": "Your rate limit resets in ~0.1s.", "status": 429}
    server = wire(
        lambda r: [response(busy, 429) if len(server.requests) == 1 else response(PREDICTION, 201)]
    )
    began = time.monotonic()
    assert client_of(server).run("a/b") == "hi"
    assert time.monotonic() - began >= 0.1


def test_too_long_a_pause_is_an_error_that_says_how_long(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response({"detail": "x", "retry_after": 3600}, 429)])
    with pytest.raises(RateLimitError) as raised:
        client_of(server).run("a/b")
    assert (raised.value.retry_after, len(server.requests)) == (3600, 1)
    assert json.loads(server.requests[0].body) == {"input": {}}


@pytest.mark.slow
def test_a_pause_that_the_api_asks_of_one_thread_is_kept_by_all_threads_of_the_client(
    wire: StartWire, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    arrived_at: list[float] = []

    def respond(request: Request) -> list[bytes]:
        arrived_at.append(time.monotonic())
        if len(arrived_at) == 1:
            return [response({"detail": "x", "retry_after": 0.2}, 429)]
        return [response(PREDICTION, 201)]

    server = wire(respond)
    client = client_of(server)
    threads = [threading.Thread(target=client.run, args=("a/b",)) for _ in range(8)]
    threads[0].start()
    assert server.until(lambda: "retrying in" in caplog.text)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arrived_at) == 9
    assert min(arrived_at[1:]) - arrived_at[0] >= 0.19


def test_what_is_no_id_does_not_come_into_a_path() -> None:
    assert path_segment("gm3-q.or_z~=") == "gm3-q.or_z~="
    for wrong in ("", None, 5, ".", "..", "a/b", "a%2Fb", "a?b", "a b", "a\n", "é"):
        with pytest.raises(InvalidInputError, match="An id is a string such as"):
            path_segment(wrong)  # type: ignore[arg-type]


@responses.activate
def test_a_long_response_is_a_plain_dict_as_any_other() -> None:
    long = {**PREDICTION, "output": [{"n": number} for number in range(50_000)]}
    responses.get("https://api.replicate.com/v1/predictions/p1", json=long)
    client = Replicate("r8_abc")
    for received in (client.predictions.get("p1").raw, client.request("GET", "/predictions/p1")):
        assert received == long
        assert type(received) is dict
