"""Where the official client costs people text, money or their token, the facade does not copy it."""

from __future__ import annotations

import base64
import hmac
import io
import json
import pickle
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from wire import CHUNKED, LAST_CHUNK, Request, StartWire, Wire, chunk, event, response

import replicate_sync.official as replicate
from replicate_sync import Replicate, Retries
from replicate_sync.exceptions import StreamError
from replicate_sync.http import addresses
from replicate_sync.official.exceptions import ModelError, ReplicateError
from replicate_sync.official.helpers import FileOutput, encode_json
from replicate_sync.official.prediction import Prediction
from replicate_sync.official.stream import ServerSentEvent
from replicate_sync.official.version import Versions
from replicate_sync.server import LocalServer

ENDED = {"id": "p1", "status": "succeeded", "output": ["a", "b"], "model": "a/b", "input": {}}


def client_of(wire: Wire, **options: Any) -> replicate.Client:
    client = replicate.Client(api_token="r8_x", base_url=wire.origin, **options)
    client.poll_interval = 0.01
    return client


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        monkeypatch.setattr(replicate.default_client, "poll_interval", 0.01)
        yield server


@pytest.mark.parametrize("name", ["async_run", "async_stream", "async_paginate"])
def test_what_is_async_is_not_there_and_the_error_says_what_is(name: str) -> None:
    call = name.removeprefix("async_")
    with pytest.raises(AttributeError, match=rf"await asyncio\.to_thread\(replicate\.{call}, …\)"):
        getattr(replicate, name)
    with pytest.raises(AttributeError, match=rf"await asyncio\.to_thread\(client\.{call}, …\)"):
        getattr(replicate.Client(), name)
    with pytest.raises(AttributeError, match=r"to_thread\(replicate\.predictions\.create, …\)"):
        _ = replicate.predictions.async_create
    with pytest.raises(AttributeError, match=r"to_thread\(prediction\.wait, …\)"):
        _ = Prediction(id="p1").async_wait


def test_a_name_that_is_none_anywhere_is_a_plain_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"^module 'replicate_sync\.official' has no attribute"
    ):
        _ = replicate.nothing


def test_run_waits_on_where_the_wait_of_the_response_is_over(wire: StartWire) -> None:
    polls = iter([{**ENDED, "status": "processing", "output": ["a"]}, ENDED])

    def respond(request: Request) -> Any:
        if request.method == "POST":
            return [response({**ENDED, "status": "processing", "output": None}, 201)]
        return [response(next(polls))]

    assert client_of(wire(respond)).run("a/b", input={}) == ["a", "b"]


@pytest.mark.parametrize("status", ["canceled", "aborted"])
def test_run_of_what_was_canceled_raises_and_is_not_none(wire: StartWire, status: str) -> None:
    ended = {**ENDED, "status": status, "output": None}
    with pytest.raises(ModelError, match=f"The prediction was {status}") as raised:
        client_of(wire(lambda request: [response(ended, 201)])).run("a/b", input={})
    assert raised.value.prediction.status == status


@pytest.mark.slow
def test_a_create_that_the_server_refuses_for_now_is_sent_again(wire: StartWire) -> None:
    responses = iter([response({"detail": "slow down"}, 429), response(ENDED, 201)])
    server = wire(lambda request: [next(responses)])
    assert client_of(server).run("a/b", input={}) == ["a", "b"]


@pytest.mark.slow
def test_a_create_whose_response_is_lost_is_found_and_not_sent_again(wire: StartWire) -> None:
    def respond(request: Request) -> Any:
        if request.method == "POST":
            return [response({"detail": "bad gateway"}, 502)]
        return [response({"results": [ENDED], "next": None})]

    server = wire(respond)
    assert client_of(server).run("a/b", input={}) == ["a", "b"]
    assert [request.method for request in server.requests].count("POST") == 1


def streaming(wire: StartWire, *connections: list[Any], status: str = "processing") -> Wire:
    """Return a server whose stream sends these steps, one list for each connection."""
    left = list(connections)

    def respond(request: Request) -> Any:
        urls = {"stream": f"{server.origin}/stream"}
        if request.path == "/stream":
            return left.pop(0)
        if request.method == "POST":
            return [response({**ENDED, "status": "starting", "output": None, "urls": urls}, 201)]
        output = "a" if status == "processing" else ["a", "b"]
        return [response({**ENDED, "status": status, "output": output, "urls": urls})]

    server = wire(respond)
    return server


@pytest.mark.slow
def test_a_stream_that_is_cut_goes_on(wire: StartWire) -> None:
    first = [CHUNKED, chunk(event("a", 1)), LAST_CHUNK]
    second = [CHUNKED, chunk(event("b", 2)), chunk(event("{}", 3, "done")), LAST_CHUNK]
    server = streaming(wire, first, second)
    events = list(client_of(server).stream("a/b", input={}))
    assert "".join(map(str, events)) == "ab"
    assert events[-1].event is ServerSentEvent.EventType.DONE


def test_a_stream_whose_rest_is_lost_is_not_taken_for_a_whole_one(wire: StartWire) -> None:
    def respond(request: Request) -> Any:
        urls = {"stream": f"{server.origin}/stream"}
        if request.path == "/stream":
            return [CHUNKED, chunk(event("x", 1)), LAST_CHUNK]
        if request.method == "POST":
            return [response({**ENDED, "status": "starting", "output": None, "urls": urls}, 201)]
        return [response({**ENDED, "output": "something else", "urls": urls})]

    server = wire(respond)
    seen = []
    with pytest.raises(StreamError):
        for piece in client_of(server).stream("a/b", input={}):
            seen.append(str(piece))
    assert seen == ["x"]


def test_a_token_that_looks_like_a_file_stays_text_where_the_schema_says_so(
    local: LocalServer,
) -> None:
    @local.model("me/links")
    def links() -> Iterator[str]:
        yield "https://x.example/a.png"
        yield " is a link"

    events = list(replicate.stream("me/links", input={}))
    assert "".join(map(str, events)) == "https://x.example/a.png is a link"
    assert replicate.run("me/links", input={}) == ["https://x.example/a.png", " is a link"]


def test_leaving_a_stream_cancels_the_prediction(local: LocalServer) -> None:
    @local.model("me/endless")
    def endless() -> Iterator[str]:
        while True:
            yield "x"
            threading.Event().wait(0.01)

    for _ in replicate.stream("me/endless", input={}):
        break
    [prediction] = replicate.predictions.list()
    assert prediction.status == "canceled"


def test_what_does_not_stream_is_not_left_running(local: LocalServer) -> None:
    with pytest.raises(ReplicateError, match="Model does not support streaming"):
        list(replicate.stream("local/slow", input={"seconds": 60}))
    [prediction] = replicate.predictions.list()
    assert prediction.status == "canceled"


def test_a_wait_counts_for_models_too(local: LocalServer) -> None:
    create = replicate.predictions.create
    prediction = create(model="replicate/hello-world", input={"text": "x"}, wait=True)
    assert prediction.status == "succeeded"


def test_a_community_model_runs_by_its_name(local: LocalServer) -> None:
    local.model("me/community", official=False)(lambda: 5)
    assert replicate.run("me/community", input={}) == 5


def test_the_token_stays_at_the_api(wire: StartWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    files = wire(lambda request: [response(b"content")])
    output = {**ENDED, "output": f"{files.origin}/out.png"}
    server = wire(lambda request: [response(output, 201)])
    client = client_of(server, file_hosts=["127.0.0.1"])
    url = client.run("a/b", input={}, use_file_output=False)
    assert FileOutput(url, client).read() == b"content"
    assert "authorization" not in str(files.requests[0].headers).lower()


def test_no_id_or_name_becomes_another_operation(wire: StartWire) -> None:
    server = wire(lambda request: [response({})])
    client = client_of(server)
    for stray in ("..", "../models", "a/b/c", "%2e%2e", "x?y", "x#y"):
        for call in (
            client.predictions.get,
            client.predictions.cancel,
            client.trainings.get,
            client.trainings.cancel,
            client.files.get,
            client.files.delete,
            client.collections.get,
            Versions(client, "a/b").delete,
            client.models.delete,
            lambda x: client.models.get("a", x),
            lambda x: client.deployments.get(f"a/{x}"),
            lambda x: client.run(f"a/{x}", input={}),
            lambda x: client.models.predictions.create(f"a/{x}", {}),
            lambda x: client.deployments.predictions.create(f"a/{x}", {}),
            lambda x: client.trainings.create(
                model=("a", "b"), version=x, input={}, destination="a/c"
            ),
        ):
            with pytest.raises(ValueError, match=r"no id and no name|An id is|Invalid reference"):
                call(stray)
    assert server.requests == []


def test_one_clients_headers_are_not_anothers(wire: StartWire) -> None:
    server = wire(lambda request: [response({"username": "a"})])
    headers = {"X-Mine": "1"}
    for token in ("r8_a", "r8_b"):
        replicate.Client(token, base_url=server.origin, headers=headers).accounts.current()
    sent = [str(request.headers) for request in server.requests]
    assert "r8_a" in sent[0]
    assert "r8_b" in sent[1]
    assert headers == {"X-Mine": "1"}


def test_a_token_in_the_headers_is_the_token(wire: StartWire) -> None:
    server = wire(lambda request: [response({"username": "a"})])
    client = replicate.Client(
        base_url=server.origin, headers={"Authorization": "Bearer r8_mine", "X-Mine": "1"}
    )
    client.accounts.current()
    assert "Bearer r8_mine" in str(server.requests[0].headers)


def test_an_argument_of_httpx_is_refused_and_not_ignored() -> None:
    with pytest.raises(TypeError, match="no argument 'transport' here"):
        replicate.Client(transport=object())


def test_an_argument_of_a_prediction_that_is_none_is_told(local: LocalServer) -> None:
    with pytest.warns(UserWarning, match="seed= is no argument of a prediction"):
        assert replicate.run("replicate/hello-world", input={"text": "x"}, seed=1) == "hello x"


def test_use_file_output_is_honoured_by_iterators_and_streams(local: LocalServer) -> None:
    @local.model("me/files")
    def files() -> Iterator[bytes]:
        yield b"one"

    version = replicate.models.get("me/files").latest_version
    [url] = replicate.run(version, input={}, use_file_output=False)
    assert isinstance(url, str)
    [file] = replicate.run(version, input={})
    assert file.read() == b"one"


def test_a_webhooks_body_of_bytes_is_validated_as_it_is(local: LocalServer) -> None:
    secret = replicate.webhooks.default.secret()
    key = base64.b64decode(secret.key.partition("_")[2])
    signature = base64.b64encode(hmac.new(key, b"1.2.{}", "sha256").digest()).decode()
    headers = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": f"v1,{signature}"}
    replicate.webhooks.validate(headers=headers, body=b"{}", secret=secret)
    with pytest.raises(ValueError, match="Webhook signature is invalid"):
        replicate.webhooks.validate(headers=headers, body=b"{ }", secret=secret)


def test_an_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(ReplicateError(status=404, detail="d")))
    assert (error.status, error.detail) == (404, "d")


def test_what_a_chain_passes_on_is_not_downloaded() -> None:
    output = FileOutput("https://x.example/a.png", replicate.default_client)
    body = encode_json({"image": [output]}, replicate.default_client)
    assert json.dumps(body) == '{"image": ["https://x.example/a.png"]}'


def test_the_first_pieces_of_an_iterator_are_yielded_too(wire: StartWire) -> None:
    def respond(request: Request) -> Any:
        if request.method == "POST":
            return [response({**ENDED, "status": "processing", "output": ["a"]}, 201)]
        return [response(ENDED)]

    prediction = client_of(wire(respond)).predictions.create(model="a/b", input={})
    assert list(prediction.output_iterator()) == ["a", "b"]


def test_without_a_token_nothing_is_sent_and_the_error_is_the_apis(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(lambda request: [response({})])
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    with pytest.raises(ReplicateError) as raised:
        replicate.Client(base_url=server.origin).accounts.current()
    assert (raised.value.status, raised.value.title) == (401, "Unauthenticated")
    assert "REPLICATE_API_TOKEN" in raised.value.hint
    assert server.requests == []


def test_the_proxies_of_the_environment_are_used(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = wire(lambda request: [response({"username": "a"})])
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    client = replicate.Client("r8_x", base_url="http://replicate.invalid")
    assert client.accounts.current().username == "a"


def test_where_no_connection_is_made_the_error_is_a_connection_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = Replicate.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "retries", Retries(attempts=1))
    client = replicate.Client("r8_x", base_url="http://127.0.0.1:9")
    with pytest.raises(ConnectionError):
        client.accounts.current()


class Cog(ModuleType):
    """The module `cog`, as far as it says on whose behalf the present prediction runs."""

    def __init__(self) -> None:
        super().__init__("cog")
        self.context: ContextVar[dict[str, str]] = ContextVar("context")

    def current_scope(self) -> Any:
        return SimpleNamespace(context=self.context.get())


@pytest.fixture
def cog(monkeypatch: pytest.MonkeyPatch) -> Cog:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_environment")
    module = Cog()
    monkeypatch.setitem(sys.modules, "cog", module)
    return module


def test_in_a_predictor_of_cog_the_token_is_that_of_its_present_prediction(
    wire: StartWire, cog: Cog
) -> None:
    server = wire(lambda _: [response(ENDED)])
    client = replicate.Client(base_url=server.origin)

    def tokens_of(context: dict[str, str]) -> set[str]:
        cog.context.set(context)
        start = len(server.requests)
        client.predictions.get("p1").reload()
        sent = server.requests[start:]
        return {request.headers["authorization"].removeprefix("Bearer ") for request in sent}

    assert tokens_of({"replicate_api_token": "r8_alice"}) == {"r8_alice"}
    assert tokens_of({"Replicate_API_Token": "r8_bob", "other": "x"}) == {"r8_bob"}
    assert tokens_of({"other": "x"}) == {"r8_environment"}


def test_a_prediction_keeps_the_token_that_has_created_it(wire: StartWire, cog: Cog) -> None:
    server = wire(lambda _: [response({**ENDED, "status": "starting"})])
    cog.context.set({"replicate_api_token": "r8_alice"})
    prediction = replicate.Client(base_url=server.origin).predictions.get("p1")
    cog.context.set({"replicate_api_token": "r8_bob"})
    prediction.cancel()
    assert server.requests[-1].headers["authorization"] == "Bearer r8_alice"


def test_a_token_that_was_given_wins_and_a_cog_without_a_prediction_changes_nothing(
    wire: StartWire, cog: Cog
) -> None:
    server = wire(lambda _: [response(ENDED)])
    replicate.Client(base_url=server.origin).predictions.get("p1")  # current_scope() raises
    cog.context.set({"replicate_api_token": "r8_alice"})
    client_of(server).predictions.get("p1")
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer r8_environment", "Bearer r8_x"]


def test_an_object_stands_for_its_id(local: LocalServer) -> None:
    uploaded = replicate.files.create(io.BytesIO(b"a"), filename="a.txt")
    assert replicate.files.get(uploaded) == uploaded
    assert replicate.files.delete(uploaded)
    prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "a"})
    assert replicate.predictions.get(prediction).id == prediction.id


PAGE = Path(__file__).parents[2] / "docs/pages/how-to/from-the-official-client.md"
#: The tests that hold each row of the page's table.
HELD_BY = {
    "a run takes more than 60 s": test_run_waits_on_where_the_wait_of_the_response_is_over,
    "a run is canceled or aborted": test_run_of_what_was_canceled_raises_and_is_not_none,
    "a create is rate limited (429)": (test_a_create_that_the_server_refuses_for_now_is_sent_again),
    "the response to a create is lost": (
        test_a_create_whose_response_is_lost_is_found_and_not_sent_again
    ),
    "an event stream breaks": test_a_stream_that_is_cut_goes_on,
    "a text begins with `https:`": (
        test_a_token_that_looks_like_a_file_stays_text_where_the_schema_says_so
    ),
    "the first pieces in `output_iterator()`": (
        test_the_first_pieces_of_an_iterator_are_yielded_too
    ),
    "leaving a stream or an iterator, Ctrl-C": test_leaving_a_stream_cancels_the_prediction,
    "streaming a model that does not stream": test_what_does_not_stream_is_not_left_running,
    "`wait=` for a model or a deployment": test_a_wait_counts_for_models_too,
    "a community model by its name": test_a_community_model_runs_by_its_name,
    "`use_file_output=False`": test_use_file_output_is_honoured_by_iterators_and_streams,
    "a `FileOutput` as an input": test_what_a_chain_passes_on_is_not_downloaded,
    "the token": test_the_token_stays_at_the_api,
    "the token in the context of a Cog prediction": (
        test_in_a_predictor_of_cog_the_token_is_that_of_its_present_prediction
    ),
    "no token": test_without_a_token_nothing_is_sent_and_the_error_is_the_apis,
    "`headers=` of a client": test_one_clients_headers_are_not_anothers,
    "proxies of the environment": test_the_proxies_of_the_environment_are_used,
    "no connection": test_where_no_connection_is_made_the_error_is_a_connection_error,
    "options of httpx, such as `transport=`": (
        test_an_argument_of_httpx_is_refused_and_not_ignored
    ),
    "an unknown argument of a prediction": test_an_argument_of_a_prediction_that_is_none_is_told,
    "a webhook's body as bytes": test_a_webhooks_body_of_bytes_is_validated_as_it_is,
    "`async_run` and the other async functions": (
        test_what_is_async_is_not_there_and_the_error_says_what_is
    ),
}


def test_each_row_of_the_page_is_held_by_a_test() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| where |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]
    assert rows == list(HELD_BY)
