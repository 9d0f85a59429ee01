"""The client with a token: models, parameters and their names, and calls without a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from wire import TOKEN, MakeClient, Request, StartWire, response

import replicate_sync
from replicate_sync import (
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    Polling,
    Replicate,
    Retries,
)

VERSION = "ab" * 32
LLAMA = "meta/meta-llama-3-70b-instruct"
DONE = {"id": "p1", "status": "succeeded", "output": "hi"}


def refusal(unknown: list[str]) -> bytes:
    """Return the response to an input with names that the model does not have."""
    fields = [
        {
            "type": "additional_property_not_allowed",
            "field": "input",
            "description": f"Additional property {name} is not allowed",
        }
        for name in unknown
    ]
    problem = {
        "detail": "".join(f"- input: {field['description']}\n" for field in fields),
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": fields,
    }
    return response(problem, 422, Content_Type="application/problem+json")


class Api:
    """A model that refuses names it does not know, and responds at once with its input.

    Args:
        properties: The names of its inputs.
        has_schema: Whether the API shows its schema.
    """

    def __init__(self, *properties: str, has_schema: bool = True) -> None:
        self.properties = properties
        self.has_schema = has_schema
        self.inputs: list[dict[str, Any]] = []
        self.lookups = 0
        self.headers: dict[str, str] = {}

    def __call__(self, request: Request) -> list[bytes]:
        self.headers = request.headers
        if request.method == "GET":
            self.lookups += 1
            return [response({"latest_version": {"id": VERSION, "openapi_schema": self.schema}})]
        given = request.json["input"]
        self.inputs.append(given)
        unknown = [name for name in given if name not in self.properties]
        if unknown:
            return [refusal(unknown)]
        return [response({**DONE, "output": ["ok"], "model": LLAMA, "input": given}, 201)]

    @property
    def schema(self) -> dict[str, Any] | None:
        if not self.has_schema:
            return None
        properties = {name: {"type": "string"} for name in self.properties}
        return {"components": {"schemas": {"Input": {"properties": properties}}}}


def test_a_chat_sends_the_prompt_and_the_parameters_under_the_models_names(
    wire: StartWire, client_of: MakeClient
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
    pieces = client_of(server).chat(
        [{"role": "user", "content": "hi"}],
        system_prompt="s",
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop=["a", "b"],
        extra_data={"seed": 1, "top_k": 7},
    )
    assert "".join(pieces) == "ok"
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


def test_a_refused_name_is_looked_up_once_replaced_and_remembered(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api("prompt", "max_tokens", "stop")
    client = client_of(wire(api))
    for _ in range(3):
        assert "".join(client.chat("hi", max_tokens=9, stop="x")) == "ok"
    assert api.inputs[0] == {"prompt": "hi", "max_new_tokens": 9, "stop_sequences": "x"}
    assert api.inputs[1:] == [{"prompt": "hi", "max_tokens": 9, "stop": "x"}] * 3
    assert api.lookups == 1


def test_a_parameter_that_the_model_does_not_have_is_an_error_and_not_dropped(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api("prompt", "max_tokens")
    client = client_of(wire(api))
    with pytest.raises(InvalidInputError, match="no input for top_k="):
        list(client.chat("hi", top_k=3))
    with pytest.raises(InvalidInputError, match="no input for top_k="):
        client.chat("hi", top_k=3)  # known by now, so nothing is sent
    assert len(api.inputs) == 1


def test_what_the_caller_has_named_is_sent_as_it_is(wire: StartWire, client_of: MakeClient) -> None:
    api = Api("prompt", "max_tokens")
    with pytest.raises(InvalidInputError, match="Additional property max_new_tokens"):
        list(client_of(wire(api)).chat("hi", extra_data={"max_new_tokens": 3}))
    assert len(api.inputs) == 1


def test_where_the_schema_is_not_shown_the_apis_own_error_is_raised(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api("prompt", has_schema=False)
    with pytest.raises(InvalidInputError, match="Additional property max_new_tokens") as raised:
        list(client_of(wire(api)).chat("hi", max_tokens=9))
    assert raised.value.fields[0]["type"] == "additional_property_not_allowed"
    assert len(api.inputs) == 1


def test_an_error_that_is_not_about_names_is_raised_without_a_look_up(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response({"detail": "- input.prompt: too long"}, 422)])
    with pytest.raises(InvalidInputError, match="too long"):
        list(client_of(server).chat("hi", max_tokens=9))
    assert len(server.requests) == 1


def test_arguments_and_token_are_validated_when_the_function_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    client = Replicate()
    calls: list[Callable[[], Any]] = [
        lambda: client.chat("hi"),
        lambda: client.stream("a/b"),
        lambda: client.run("a/b"),
        lambda: client.map("a/b", []),
    ]
    for call in calls:
        with pytest.raises(MissingAuthError, match="REPLICATE_API_TOKEN"):
            call()
    with pytest.raises(ModelNotFoundError):
        client.chat("hi", "no-such")


@pytest.mark.parametrize("stop", [5, [5], {"a": 1}.items()])
def test_what_is_no_stop_sequence_is_refused(stop: Any) -> None:
    with pytest.raises(InvalidInputError, match="stop= must be a string or a list of strings"):
        Replicate().chat("hi", stop=stop)


def test_stop_sequences_may_come_from_any_iterable(wire: StartWire, client_of: MakeClient) -> None:
    api = Api("prompt", "stop_sequences")
    stop: Any = (text for text in ("a", "b"))
    assert "".join(client_of(wire(api)).chat("hi", stop=stop)) == "ok"
    assert api.inputs[0]["stop_sequences"] == "a,b"


def test_models_are_known_by_alias_and_by_full_name() -> None:
    assert Replicate.get_model() == LLAMA
    assert Replicate.get_model("llama-3-70b") == LLAMA
    assert Replicate.get_model("me/mine") == "me/mine"
    assert Replicate.get_model(f"me/mine:{VERSION}") == f"me/mine:{VERSION}"
    with pytest.raises(ModelNotFoundError, match="llama-3-70b"):
        Replicate.get_model("lama-3-70b")


def test_the_class_has_the_attributes_of_gpt4free() -> None:
    assert Replicate.default_model in Replicate.models
    assert (Replicate.working, Replicate.needs_auth, Replicate.supports_stream) == (True,) * 3
    assert Replicate.login_url == "https://replicate.com/account/api-tokens"


def test_the_one_call_form_takes_what_gpt4free_takes(wire: StartWire) -> None:
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


class WithoutToken(Replicate):
    needs_auth = False


@pytest.mark.parametrize("make", [lambda **o: Replicate(needs_auth=False, **o), WithoutToken])
def test_without_auth_no_token_is_sent_not_even_one_that_an_earlier_call_used(
    wire: StartWire, make: Callable[..., Replicate]
) -> None:
    api = Api("prompt")
    server = wire(api)
    "".join(Replicate.create_completion(LLAMA, "hi", api_key="r8_before", base_url=server.url))
    assert api.headers["authorization"] == "Bearer r8_before"
    assert "".join(make(base_url=server.url).chat("hi")) == "ok"
    assert "authorization" not in api.headers
    assert server.requests[-1].json["stream"] is True
    assert "".join(make(base_url=server.url, api_key="r8_given").chat("hi")) == "ok"
    assert api.headers["authorization"] == "Bearer r8_given"
    assert "stream" not in server.requests[-1].json
    "".join(make(base_url=server.url).chat("hi"))
    assert "authorization" not in api.headers


@responses.activate
def test_a_token_that_is_not_needed_goes_to_the_official_api_for_one_call() -> None:
    for one in ("https://api.replicate.com/v1", "https://replicate.com/api"):
        responses.post(f"{one}/models/{LLAMA}/predictions", json=DONE)
    "".join(WithoutToken.create_completion(LLAMA, "hi", api_key="r8_given"))
    "".join(WithoutToken.create_completion(LLAMA, "hi"))
    first, second = (call.request for call in responses.calls)
    assert (first.url, first.headers["Authorization"]) == (
        f"https://api.replicate.com/v1/models/{LLAMA}/predictions",
        "Bearer r8_given",
    )
    assert str(second.url).startswith("https://replicate.com/api/")
    assert "Authorization" not in second.headers


@responses.activate
def test_without_auth_the_open_base_url_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    responses.post(f"https://replicate.com/api/models/{LLAMA}/predictions", json=DONE, status=201)
    assert "".join(WithoutToken().chat("hi")) == "hi"
    assert "Authorization" not in responses.calls[0].request.headers


@responses.activate
def test_the_module_has_a_default_client_that_reads_the_environment_at_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for port in (1, 2):
        url = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("REPLICATE_BASE_URL", url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", f"token{port}")
        for model in ("a/b", LLAMA):
            responses.post(f"{url}/v1/models/{model}/predictions", json=DONE, status=201)
        responses.get(f"{url}/v1/search", json={"models": [], "collections": [], "pages": []})
        responses.get(f"{url}/v1/predictions/p1", json=DONE)
        before = len(responses.calls)
        assert replicate_sync.run("a/b", {"x": 1}) == "hi"
        assert list(replicate_sync.stream("a/b")) == ["hi"]
        assert list(replicate_sync.chat("hello")) == ["hi"]
        assert list(replicate_sync.map("a/b", [{}])) == ["hi"]
        assert list(replicate_sync.search("rivers").models) == []
        assert replicate_sync.predictions.get("p1").output == "hi"
        sent = [call.request for call in list(responses.calls)[before:]]
        assert len(sent) == 6
        assert {request.headers["Authorization"] for request in sent} == {f"Bearer token{port}"}
        assert {request.url[: len(url)] for request in sent} == {url}


def test_the_resources_of_the_module_are_those_of_the_default_client() -> None:
    for name in ("account", "collections", "deployments", "files", "hardware", "trainings"):
        assert type(getattr(replicate_sync, name)) is type(getattr(Replicate(), name))
    assert type(replicate_sync.models) is type(Replicate().models)
    assert replicate_sync.webhooks is replicate_sync.webhooks


def test_what_the_module_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'replicate_sync' has no attribute 'nothing'"):
        _ = replicate_sync.nothing
    assert {"run", "predictions", "exceptions", "server", "Replicate"} <= set(dir(replicate_sync))
    assert replicate_sync.sse.events([]) is not None


def test_a_client_shows_where_it_leads_and_no_token() -> None:
    client = Replicate("r8_x")
    assert repr(client) == "<Replicate at https://api.replicate.com/v1>"
    assert client.base_url == "https://api.replicate.com/v1"
    with Replicate(retries=Retries(attempts=1)) as entered:
        assert TOKEN not in repr(entered)
    entered.close()


def test_a_stream_has_one_deadline_from_its_first_token_on(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(lambda r: [response({**DONE, "model": "a/b"}, 201)])
    stream: Iterator[str] = client_of(server).stream("a/b", {}, deadline=5)
    assert server.requests == []
    assert list(stream) == ["hi"]
    with pytest.raises(InvalidInputError, match="deadline must be"):
        client_of(server).stream("a/b", {}, deadline=-1)
    assert len(server.requests) == 1


def test_a_file_of_an_input_is_placed_by_the_client(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response({**DONE, "model": "a/b"}, 201)])
    assert client_of(server).run("a/b", {"image": b"GIF89a"}) == "hi"
    assert server.requests[0].json["input"]["image"].startswith("data:image/gif;base64,")


def test_a_map_displays_a_progress_bar_where_it_is_asked_to(
    wire: StartWire, client_of: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    server = wire(lambda r: [response({**DONE, "model": "a/b"}, 201)])
    assert list(client_of(server).map("a/b", [{}, {}], progress=True)) == ["hi", "hi"]
    assert "2/2" in capsys.readouterr().err


def test_a_run_displays_a_progress_bar_where_it_is_asked_to(
    wire: StartWire, client_of: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    server = wire(lambda r: [response({**DONE, "model": "a/b"}, 201)])
    assert client_of(server).run("a/b", progress=True) == "hi"
    assert "succeeded" in capsys.readouterr().err
    assert "prefer" not in server.requests[0].headers
