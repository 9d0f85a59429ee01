"""Clients of OpenAI's API, unmodified, do what they can against the gateway."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from official import CLIENTS, Official, command

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


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the base URL of a gateway that the command serves, of a local server."""
    path = tmp_path_factory.mktemp("gateway") / "models.toml"
    path.write_text(ALIASES)
    words = ["gateway", "--local", "--port", "0", "--aliases", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "replicate_sync", *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    found = re.search(r"http://\S+/v1", process.stdout.readline())
    assert found
    yield found[0]
    process.terminate()
    process.wait(timeout=10)
    process.stdout.close()


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
