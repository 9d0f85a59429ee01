"""The door with a token: models, parameters, spellings, and the key-less mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import responses
from wire import TOKEN, Request, Wire, answer

import replicate_sync
from replicate_sync import (
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    Polling,
    Replicate,
    Retries,
)

Start = Callable[[Callable[[Request], Any]], Wire]
VERSION = "ab" * 32
LLAMA = "meta/meta-llama-3-70b-instruct"


class Api:
    """A model with a schema that refuses names it does not know; answers at once with what it was asked."""

    def __init__(self, *properties: str, schema: bool = True) -> None:
        self.properties = properties
        self.schema = schema
        self.inputs: list[dict[str, Any]] = []
        self.lookups = 0
        self.headers: dict[str, str] = {}

    def __call__(self, request: Request) -> list[bytes]:
        self.headers = request.headers
        if request.method == "GET":
            self.lookups += 1
            components = {
                "schemas": {
                    "Input": {"properties": {name: {"type": "string"} for name in self.properties}}
                }
            }
            openapi = {"components": components} if self.schema else None
            return [answer({"latest_version": {"id": VERSION, "openapi_schema": openapi}})]
        given = request.json["input"]
        self.inputs.append(given)
        if unknown := [name for name in given if name not in self.properties]:
            fields = [
                {
                    "type": "additional_property_not_allowed",
                    "field": "input",
                    "description": f"Additional property {n} is not allowed",
                }
                for n in unknown
            ]
            detail = "".join(f"- input: {f['description']}\n" for f in fields)
            problem = {
                "detail": detail,
                "status": 422,
                "title": "Input validation failed",
                "invalid_fields": fields,
            }
            return [answer(problem, 422, Content_Type="application/problem+json")]
        return [
            answer(
                {
                    "id": "p1",
                    "status": "succeeded",
                    "output": ["ok"],
                    "model": LLAMA,
                    "input": given,
                },
                201,
            )
        ]


def test_a_chat_sends_the_prompt_and_the_parameters_as_gpt4free_spells_them(
    wire: Start, client_of: Any
) -> None:
    api = Api(
        "prompt",
        "system_prompt",
        "max_new_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "seed",
    )
    server = wire(api)
    options: Any = {
        "system_prompt": "s",
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["a", "b"],
    }
    assert (
        "".join(
            client_of(server).chat(
                [{"role": "user", "content": "hi"}], **options, extra_data={"seed": 1, "top_k": 7}
            )
        )
        == "ok"
    )
    assert server.requests[0].path == f"/v1/models/{LLAMA}/predictions"
    assert server.requests[0].json == {
        "input": {
            "prompt": "hi",
            "system_prompt": "s",
            "max_new_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 7,
            "stop_sequences": "a,b",
            "seed": 1,
        }
    }
    assert "prefer" not in server.requests[0].headers


def test_a_refused_spelling_is_looked_up_once_respelt_and_remembered(
    wire: Start, client_of: Any
) -> None:
    api = Api("prompt", "max_tokens", "stop")
    client = client_of(wire(api))
    for _ in range(3):
        assert "".join(client.chat("hi", max_tokens=9, stop="x")) == "ok"
    assert api.inputs[0] == {"prompt": "hi", "max_new_tokens": 9, "stop_sequences": "x"}
    assert api.inputs[1:] == [{"prompt": "hi", "max_tokens": 9, "stop": "x"}] * 3
    assert api.lookups == 1


def test_a_parameter_that_the_model_does_not_have_is_an_error_and_not_dropped(
    wire: Start, client_of: Any
) -> None:
    api = Api("prompt", "max_tokens")
    client = client_of(wire(api))
    with pytest.raises(InvalidInputError, match="no input for top_k="):
        list(client.chat("hi", top_k=3))
    with pytest.raises(InvalidInputError, match="no input for top_k="):
        client.chat("hi", top_k=3)  # known by now, so said before anything is sent
    assert len(api.inputs) == 1


def test_what_the_caller_spelt_stays_as_it_is(wire: Start, client_of: Any) -> None:
    api = Api("prompt", "max_tokens")
    with pytest.raises(InvalidInputError, match="Additional property max_new_tokens"):
        list(client_of(wire(api)).chat("hi", extra_data={"max_new_tokens": 3}))
    assert len(api.inputs) == 1


def test_a_model_whose_schema_is_not_told_keeps_the_apis_own_error(
    wire: Start, client_of: Any
) -> None:
    api = Api("prompt", schema=False)
    with pytest.raises(InvalidInputError, match="Additional property max_new_tokens") as raised:
        list(client_of(wire(api)).chat("hi", max_tokens=9))
    assert raised.value.fields[0]["type"] == "additional_property_not_allowed"
    assert len(api.inputs) == 1


def test_arguments_and_token_are_checked_when_the_function_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    client = Replicate()
    for call in (
        lambda: client.chat("hi"),
        lambda: client.stream("a/b"),
        lambda: client.run("a/b"),
    ):
        with pytest.raises(MissingAuthError, match="REPLICATE_API_TOKEN"):
            call()
    with pytest.raises(ModelNotFoundError):
        client.chat("hi", "no-such")


def test_models_are_known_by_alias_and_by_full_name() -> None:
    assert Replicate.get_model() == Replicate.get_model("llama-3-70b") == LLAMA
    assert Replicate.get_model("me/mine") == "me/mine"
    assert Replicate.get_model(f"me/mine:{VERSION}") == f"me/mine:{VERSION}"
    with pytest.raises(ModelNotFoundError, match="llama-3-70b"):
        Replicate.get_model("lama-3-70b")
    assert Replicate.default_model in Replicate.models
    assert (Replicate.working, Replicate.needs_auth, Replicate.supports_stream) == (
        True,
        True,
        True,
    )
    assert Replicate.login_url == "https://replicate.com/account/api-tokens"


def test_the_one_call_form_takes_what_gpt4free_takes(wire: Start) -> None:
    api = Api("prompt", "max_new_tokens", "temperature", "seed")
    server = wire(api)
    pieces = Replicate.create_completion(
        LLAMA,
        [{"role": "user", "content": "hi"}],
        api_key="r8_one",
        timeout=5,
        max_tokens=3,
        temperature=0,
        extra_data={"seed": 1},
        headers={"X-A": "b"},
        base_url=server.origin,
        polling=Polling(2, 0),
    )
    assert server.requests == []
    assert "".join(pieces) == "ok"
    assert api.inputs == [{"prompt": "hi", "max_new_tokens": 3, "temperature": 0, "seed": 1}]
    assert (api.headers["authorization"], api.headers["x-a"]) == ("Bearer r8_one", "b")
    with pytest.raises(TypeError, match="no_such"):
        Replicate.create_completion(LLAMA, "hi", no_such=1)


class Keyless(Replicate):
    needs_auth = False


@pytest.mark.parametrize("make", [lambda **o: Replicate(needs_auth=False, **o), Keyless])
def test_without_a_key_none_is_sent_not_even_one_that_an_earlier_call_used(
    wire: Start, make: Any
) -> None:
    api = Api("prompt")
    server = wire(api)
    "".join(Replicate.create_completion(LLAMA, "hi", api_key="r8_before", base_url=server.url))
    assert api.headers["authorization"] == "Bearer r8_before"
    assert "".join(make(base_url=server.url).chat("hi")) == "ok"
    assert "authorization" not in api.headers
    assert server.requests[-1].json["stream"] is True
    with pytest.raises(InvalidInputError, match="needs_auth"):
        make(api_key="r8_x")


@responses.activate
def test_without_a_key_the_open_base_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    url = f"https://replicate.com/api/models/{LLAMA}/predictions"
    responses.post(url, json={"id": "p1", "status": "succeeded", "output": "hi"}, status=201)
    assert "".join(Keyless().chat("hi")) == "hi"
    assert "Authorization" not in responses.calls[0].request.headers


@responses.activate
def test_the_module_has_a_default_client_that_reads_the_environment_at_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for port in (1, 2):
        monkeypatch.setenv("REPLICATE_BASE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("REPLICATE_API_TOKEN", f"token{port}")
        done = {"id": "p1", "status": "succeeded", "output": "hi"}
        responses.post(f"http://127.0.0.1:{port}/v1/models/a/b/predictions", json=done, status=201)
        responses.post(
            f"http://127.0.0.1:{port}/v1/models/{LLAMA}/predictions", json=done, status=201
        )
        assert replicate_sync.run("a/b", {"x": 1}) == "hi"
        assert list(replicate_sync.stream("a/b")) == ["hi"]
        assert list(replicate_sync.chat("hello")) == ["hi"]
        assert {c.request.headers["Authorization"] for c in list(responses.calls)[-3:]} == {
            f"Bearer token{port}"
        }


def test_a_client_shows_where_it_goes_and_no_token() -> None:
    assert repr(Replicate("r8_x")) == "<Replicate at https://api.replicate.com/v1>"
    with Replicate(retries=Retries(attempts=1)) as client:
        assert TOKEN not in repr(client)
    client.close()
