"""A chat asks for the schema once, sends the right form, and yields text of every kind."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import pytest
from wire import CHUNKED, LAST_CHUNK, MakeClient, Request, StartWire, chunk, event, response

from replicate_sync.exceptions import ConnectionFailed, InvalidInputError, StreamError

MODEL = "me/chat"
DONE = {"id": "p1", "status": "succeeded", "output": ["ok"], "model": MODEL, "input": {}}
TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Bye"},
]
MESSAGES = {"prompt": {"type": "string"}, "messages": {"type": "array"}}


class Api:
    """A model that takes certain inputs, behind an API; `output` is what it returns."""

    def __init__(self, properties: dict[str, Any], output: Any = "ok", returns: Any = None) -> None:
        self.properties = properties
        self.returns = returns
        self.output = output
        self.lookups = 0
        self.inputs: list[Any] = []

    def __call__(self, request: Request) -> list[bytes]:
        if request.method == "GET":
            self.lookups += 1
            if not self.properties:
                return [response({"detail": "busy"}, 500)]
            schemas = {"Input": {"properties": self.properties}, "Output": self.returns}
            version = {"id": "v1", "openapi_schema": {"components": {"schemas": schemas}}}
            return [response({"latest_version": version})]
        self.inputs.append(request.json["input"])
        return [response({**DONE, "output": self.output}, 201)]


def test_the_schema_is_asked_for_once_and_decides_the_form(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api(MESSAGES)
    client = client_of(wire(api))
    for _ in range(3):
        assert "".join(client.chat(TURNS, MODEL)) == "ok"
    assert "".join(client.chat("Hi", MODEL)) == "ok"
    assert api.lookups == 1
    assert api.inputs == [{"messages": TURNS}] * 3 + [{"prompt": "Hi"}]


def test_a_text_for_the_default_model_needs_no_schema(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api(MESSAGES)
    client = client_of(wire(api))
    assert "".join(client.chat([{"role": "user", "content": "Hi"}])) == "ok"
    assert "".join(client.chat("Hi")) == "ok"
    assert (api.lookups, api.inputs) == (0, [{"prompt": "Hi"}] * 2)


@pytest.mark.parametrize("messages", ["Hi", [{"role": "user", "content": "Hi"}]])
def test_a_text_for_a_model_that_draws_is_refused_before_anything_is_paid(
    wire: StartWire, client_of: MakeClient, messages: Any
) -> None:
    picture = {"type": "string", "format": "uri"}
    api = Api({"prompt": {"type": "string", "description": "What to draw"}}, returns=picture)
    client = client_of(wire(api))
    says = r"me/chat does not chat: it returns a file.*it takes prompt \(What to draw\)"
    for _ in range(2):
        with pytest.raises(InvalidInputError, match=says):
            "".join(client.chat(messages, MODEL))
    assert (api.lookups, api.inputs) == (1, [])


@pytest.mark.slow
def test_a_schema_that_is_held_back_ends_at_the_deadline(
    wire: StartWire, client_of: MakeClient
) -> None:
    def respond(request: Request) -> list[Any]:
        return [20.0] if request.method == "GET" else [response({**DONE, "output": "ok"}, 201)]

    client = client_of(wire(respond))
    for messages in (TURNS, TURNS[:1]):
        started = monotonic()
        with pytest.raises(ConnectionFailed, match="before the deadline"):
            list(client.chat(messages, MODEL, deadline=0.1))
        assert monotonic() - started < 2.5


def test_where_the_schema_is_not_to_be_had_the_prompt_is_sent(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({})
    client = client_of(wire(api))
    assert "".join(client.chat([{"role": "user", "content": "Hi"}], MODEL)) == "ok"
    assert api.inputs == [{"prompt": "Hi"}]


def test_a_wrong_model_is_an_error_in_its_own_words_and_nothing_is_created(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"text": {"type": "string", "description": "Text to prefix"}})
    client = client_of(wire(api))
    with pytest.raises(InvalidInputError, match=r"does not chat: it takes text \(Text to prefix\)"):
        list(client.chat([{"role": "user", "content": "Hi"}], MODEL))
    with pytest.raises(InvalidInputError, match="does not chat"):
        client.chat("Hi", MODEL)  # known by now
    assert api.inputs == []


def test_a_known_image_model_is_not_asked_to_chat(wire: StartWire, client_of: MakeClient) -> None:
    api = Api({"prompt": {"type": "string"}}, returns={"type": "string", "format": "uri"})
    with pytest.raises(InvalidInputError, match="flux-schnell does not chat: it returns a file"):
        list(client_of(wire(api)).chat("a cat", "flux-schnell"))
    assert api.inputs == []


def test_a_picture_that_the_model_cannot_take_is_an_error_and_nothing_is_created(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api({"prompt": {"type": "string"}})
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    chat = client_of(wire(api)).chat([{"role": "user", "content": ["x", picture]}], MODEL)
    with pytest.raises(InvalidInputError, match="takes no image: it takes prompt"):
        next(chat)
    assert api.inputs == []


def objects(*texts: str) -> list[dict[str, Any]]:
    return [
        {"id": "c", "object": "chat.completion.chunk", "choices": [{"delta": {"content": text}}]}
        for text in texts
    ]


@pytest.mark.parametrize(
    "output",
    [
        "a b",
        ["a ", "b"],
        objects("a ", "b"),
        [json.dumps(one) for one in objects("a ", "b")],
        {"object": "chat.completion", "choices": [{"message": {"content": "a b"}}]},
        json.dumps({"object": "chat.completion", "choices": [{"message": {"content": "a b"}}]}),
    ],
    ids=["text", "texts", "chunks", "chunks as JSON", "completion", "completion as JSON"],
)
def test_output_of_every_kind_is_text(output: Any, wire: StartWire, client_of: MakeClient) -> None:
    client = client_of(wire(Api(MESSAGES, output)))
    assert "".join(client.chat("Hi", MODEL)) == "a b"


def test_streamed_completion_objects_are_text_as_they_come(
    wire: StartWire, client_of: MakeClient
) -> None:
    def respond(request: Request) -> Any:
        if request.path == "/stream":
            events = [event(json.dumps(one), n) for n, one in enumerate(objects("a ", "b"))]
            return [CHUNKED, *map(chunk, events), chunk(event("{}", 9, "done")), LAST_CHUNK]
        urls = {"stream": f"{server.origin}/stream"}
        return [response({**DONE, "status": "starting", "output": None, "urls": urls}, 201)]

    server = wire(respond)
    assert list(client_of(server).chat("Hi")) == ["a ", "b"]


def test_a_completion_that_is_cut_is_an_error_with_the_text_so_far(
    wire: StartWire, client_of: MakeClient
) -> None:
    written = json.dumps(objects("a ")[0]) + '{"id": "c", "obj'
    chat = client_of(wire(Api(MESSAGES, written))).chat("Hi", MODEL)
    assert next(chat) == "a "
    with pytest.raises(StreamError, match="middle of a completion object") as raised:
        next(chat)
    assert raised.value.text == "a "
