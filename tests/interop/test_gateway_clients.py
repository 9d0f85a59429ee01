"""Clients of OpenAI's API, unmodified, do what they can against the gateway."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from official import CLIENTS, Official, command

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

pytestmark = pytest.mark.interop
SCENARIO = re.compile(r"^(?:async )?(?:def|function) (it_\w+)", re.M)
FOREIGN = (
    Official("openai==3.57.0", "openai_python.py"),
    Official("langchain-openai==1.7.4", "langchain_python.py"),
    Official("llm==0.36", "llm_python.py"),
    Official("openai@6.49.0", "openai_node.mjs"),
)
ALIASES = """
gpt-4o-mini = "openai/gpt-5-mini"
claude = "anthropic/claude-4-sonnet"
dall-e-3 = "black-forest-labs/flux-schnell"
whisper-1 = "openai/gpt-4o-mini-transcribe"
text-embedding-3-small = "ibm-granite/granite-embedding-278m-multilingual"
"""


KILLED = """
import openai

messages = [{"role": "user", "content": "Bees?"}]
for chunk in openai.OpenAI().chat.completions.create(
    model="me/drip", messages=messages, stream=STREAM
):
    print(chunk, flush=True)
"""


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[str]:
    """Serve a gateway by its command, and return its base URL; a context manager."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "replicate_sync", "gateway", "--port", "0", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = re.search(r"http://\S+/v1", process.stdout.readline())
    assert found
    yield found[0]
    process.terminate()
    process.wait(timeout=10)
    process.stdout.close()


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the base URL of a gateway of a local server."""
    path = tmp_path_factory.mktemp("gateway") / "models.toml"
    path.write_text(ALIASES)
    with serving("--local", "--aliases", str(path)) as url:
        yield url


@pytest.fixture(scope="session")
def outcomes(base_url: str) -> Callable[[Official], dict[str, str]]:
    """Return a function that returns how each scenario of a client ended."""
    done: dict[Official, dict[str, str]] = {}

    def of(client: Official) -> dict[str, str]:
        if client not in done:
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "OPENAI_BASE_URL": base_url,
                "OPENAI_API_KEY": "any",
                "PYTHONPATH": str(CLIENTS),
            }
            run = subprocess.run(
                command(client), env=environment, capture_output=True, text=True, timeout=300
            )
            assert run.returncode == 0, run.stderr
            done[client] = json.loads(run.stdout.splitlines()[-1])
        return done[client]

    return of


@pytest.mark.parametrize(
    ("client", "scenario"),
    [
        pytest.param(client, name, id=f"{client.package}-{name}")
        for client in FOREIGN
        for name in SCENARIO.findall(Path(CLIENTS, client.script).read_text(encoding="utf-8"))
    ],
)
def test_a_client_of_openai_is_served(
    client: Official, scenario: str, outcomes: Callable[[Official], dict[str, str]]
) -> None:
    outcome = outcomes(client)[scenario]
    if outcome != "passed":
        pytest.fail(outcome, pytrace=False)


@pytest.mark.parametrize("stream", [True, False])
def test_clients_that_are_killed_leave_nothing_running(stream: bool) -> None:
    with LocalServer() as server:

        @server.model("me/drip")
        def drip(prompt: str) -> Iterator[str]:
            for _ in range(6000):
                yield "drop "
                time.sleep(0.01)

        point = {"REPLICATE_BASE_URL": server.url, "REPLICATE_API_TOKEN": server.token}
        with serving(**point) as url:
            environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "any"}
            script = [command(FOREIGN[0])[0], "-c", KILLED.replace("STREAM", str(stream))]
            clients = [subprocess.Popen(script, env=environment) for _ in range(3)]
            with Replicate(server.token, base_url=server.url) as replicate:
                statuses = until(replicate, ["processing"] * 3)
                for client in clients:
                    client.kill()
                    client.wait()
                assert statuses == ["processing"] * 3
                assert until(replicate, ["canceled"] * 3) == ["canceled"] * 3


def until(client: Replicate, expected: list[str]) -> list[str | None]:
    """Return the statuses of all predictions once they are these, or after half a minute."""
    end = time.monotonic() + 30
    statuses: list[str | None] = []
    while statuses != expected and time.monotonic() < end:
        time.sleep(0.05)
        statuses = [prediction.status for prediction in client.predictions.list()]
    return statuses
