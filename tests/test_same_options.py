"""Every way to run a model takes the same models and options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, Wire, response

import replicate_sync
from replicate_sync import InvalidInputError, NotFoundError, Replicate
from replicate_sync.server import LocalServer

VERSION = "ab" * 32
HOOK = "https://example.com/hook"
INPUT = {"prompt": "hi"}
SCHEMAS = {
    "Input": {
        "properties": {"prompt": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["prompt"],
    },
    "Output": {"type": "string"},
}
OPENAPI = {"id": VERSION, "openapi_schema": {"components": {"schemas": SCHEMAS}}}

Call = Callable[..., Any]


def run(client: Any, model: str, **options: Any) -> Any:
    return client.run(model, options.pop("input", INPUT), **options)


def stream(client: Any, model: str, **options: Any) -> Any:
    return "".join(client.stream(model, options.pop("input", INPUT), **options))


def chat(client: Any, model: str, **options: Any) -> Any:
    given = options.pop("input", INPUT)
    messages = given.get("prompt", "hi")
    extra = {name: value for name, value in given.items() if name != "prompt"}
    return "".join(client.chat(messages, model, extra_data=extra, **options))


def map_one(client: Any, model: str, **options: Any) -> Any:
    [result] = client.map(model, [options.pop("input", INPUT)], on_error="return", **options)
    if isinstance(result, Exception):
        raise result
    return result


def respond(request: Request) -> list[bytes]:
    """Respond as an API on which everything exists."""
    if request.path == "/v1/deployments/me/mine":
        release = {"model": "a/b", "version": VERSION}
        return [response({"owner": "me", "name": "mine", "current_release": release})]
    if "/versions/" in request.path:
        return [response(OPENAPI)]
    if request.method == "GET":
        return [response({"owner": "a", "name": "b", "latest_version": OPENAPI})]
    done = {"id": "p1", "status": "succeeded", "output": "hello", "model": "a/b"}
    return [response({**done, "version": VERSION, "input": request.json["input"]}, 201)]


@pytest.fixture
def server(wire: StartWire) -> Wire:
    return wire(respond)


@pytest.fixture(params=[run, stream, chat, map_one], ids=["run", "stream", "chat", "map"])
def call(request: pytest.FixtureRequest) -> Call:
    """Return one of the ways to run a model."""
    way: Call = request.param
    return way


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("a/b", "/v1/models/a/b/predictions", None),
        (f"a/b:{VERSION}", "/v1/predictions", VERSION),
        (VERSION, "/v1/predictions", VERSION),
        ("deployments/me/mine", "/v1/deployments/me/mine/predictions", None),
    ],
)
def test_a_model_a_version_or_a_deployment_is_run(
    call: Call, server: Wire, client_of: MakeClient, model: str, path: str, version: str | None
) -> None:
    assert call(client_of(server), model) == "hello"
    [created] = [r for r in server.requests if r.method == "POST"]
    assert created.path == path
    assert created.json.get("version") == version
    assert created.json["input"] == INPUT


def test_a_webhook_and_a_lifetime_are_sent(call: Call, server: Wire, client_of: MakeClient) -> None:
    options = {"webhook": HOOK, "webhook_events_filter": "completed", "cancel_after": "5m"}
    for model in ("a/b", "deployments/me/mine"):
        assert call(client_of(server), model, **options) == "hello"
        created = server.requests[-1]
        assert created.json["webhook"] == HOOK
        assert created.json["webhook_events_filter"] == ["completed"]
        assert created.headers["cancel-after"] == "5m"


@pytest.mark.slow
@pytest.mark.parametrize("model", ["a/b", "deployments/me/mine"])
def test_an_input_is_validated_where_that_is_asked_for(
    call: Call, server: Wire, client_of: MakeClient, model: str
) -> None:
    with pytest.raises(InvalidInputError, match="there is no input 'promt'"):
        call(client_of(server), model, input={"promt": "x"}, validate=True)
    assert not [r for r in server.requests if r.method == "POST"]
    assert call(client_of(server), model, validate=False) == "hello"


@pytest.mark.parametrize(
    "wrong", [{"webhook": "nowhere"}, {"webhook_events_filter": "end"}, {"cancel_after": 1}]
)
def test_a_wrong_option_is_refused_before_anything_is_sent(
    call: Call, server: Wire, client_of: MakeClient, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        call(client_of(server), "a/b", **wrong)
    assert server.requests == []


def test_the_default_client_takes_them_too(
    call: Call, server: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    options = {"webhook": HOOK, "cancel_after": 60, "validate": True}
    assert call(replicate_sync, "deployments/me/mine", **options) == "hello"
    assert server.requests[-1].json["webhook"] == HOOK


def test_a_map_of_a_deployment_is_journalled(
    server: Wire, client_of: MakeClient, tmp_path: Path
) -> None:
    for _ in range(2):
        journal = tmp_path / "j.db"
        assert map_one(client_of(server), "deployments/me/mine", journal=journal) == "hello"
    assert len([r for r in server.requests if r.method == "POST"]) == 1


def test_the_local_server_runs_a_deployment_by_its_name(call: Call) -> None:
    with LocalServer() as local:
        client = Replicate(local.token, base_url=local.url, proxy="")

        @local.model("me/shout")
        def shout(prompt: str) -> str:
            return prompt.upper()

        version = client.models.get("me/shout").latest_version
        assert version is not None
        assert version.id is not None
        deployment = client.deployments.create(
            name="loud",
            model="me/shout",
            version=version.id,
            hardware="cpu",
            min_instances=0,
            max_instances=1,
        )
        assert call(client, f"deployments/{deployment}", validate=True) == "HI"
        with pytest.raises(NotFoundError):
            call(client, "deployments/local/nothing")
