"""A gateway in front of a local server, without sockets of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from replicate_sync import Polling, Replicate
from replicate_sync.gateway import GatewaySettings, create_app
from replicate_sync.server import LocalServer
from replicate_sync.server.standins import text as writing

ALIASES = {
    "gpt": "openai/gpt-5-mini",
    "claude": "anthropic/claude-4-sonnet",
    "dall-e-3": "black-forest-labs/flux-schnell",
    "whisper-1": "openai/gpt-4o-mini-transcribe",
    "embed": "ibm-granite/granite-embedding-278m-multilingual",
}
OpenGateway = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """Return a local server with a few models of its own."""
    with LocalServer() as local:

        @local.model("me/echo")
        def echo(prompt: str, temperature: float = 1.0, max_tokens: int = 9) -> Iterator[str]:
            yield f"{prompt}|"
            yield f"{temperature:g}|{max_tokens}"

        @local.model("me/drip")
        def drip(prompt: str) -> Iterator[str]:
            for number in range(1000):
                yield f"w{number} "
                time.sleep(0.01)

        @local.model("me/seeded")
        def seeded(prompt: str, seed: int) -> Iterator[str]:
            yield "seed "
            yield str(seed)

        @local.model("me/tools")
        def tools(messages: list[Any] = [], tools: list[Any] = []) -> Iterator[dict[str, Any]]:  # noqa: B006
            name = tools[0]["function"]["name"]
            function = {"name": name, "arguments": '{"city"'}
            first = {"index": 0, "id": "call_1", "type": "function", "function": function}
            rest = {"index": 0, "function": {"arguments": ': "Bern"}'}}
            for calls in (first, rest):
                yield completion_chunk({"tool_calls": [calls]}, None)
            yield completion_chunk({}, "tool_calls")

        @local.model("me/breaks")
        def breaks(prompt: str) -> Iterator[str]:
            yield "half"
            raise RuntimeError("no more")

        @local.model("me/sizes")
        def sizes(prompt: str, width: int = 1, height: int = 1) -> bytes:
            return f"{width}x{height}".encode()

        @local.model("me/vector")
        def vector(text: str) -> dict[str, Any]:
            return {"embedding": [float(len(text)), 1.0]}

        yield local


@pytest.fixture(scope="module")
def client(server: LocalServer) -> Iterator[Replicate]:
    """Return a client of the local server."""
    polling = Polling(attempts=10_000, delay=0.05)
    with Replicate(server.token, base_url=server.url, proxy="", polling=polling) as made:
        yield made


@pytest.fixture
def open_gateway(client: Replicate, monkeypatch: pytest.MonkeyPatch) -> OpenGateway:
    """Return a function that makes a gateway, and returns an HTTP client of it."""
    monkeypatch.setattr(writing, "WORD_DELAY", 0)

    def make(**settings: Any) -> FlaskClient:
        app = create_app(client, GatewaySettings(**{"aliases": ALIASES, **settings}))
        return app.test_client()

    return make


@pytest.fixture
def gateway(open_gateway: OpenGateway) -> FlaskClient:
    return open_gateway()


def completion_chunk(delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """Return a chunk as some models write them."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice]}


def ask(model: str, content: Any = "Bees?", **fields: Any) -> dict[str, Any]:
    """Return the body of a chat."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **fields}


def events_of(body: str) -> list[Any]:
    """Return the events of a stream, the last one as it is."""
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    return [json.loads(line) if line != "[DONE]" else line for line in lines]
