"""Executes every block of the site: Python, and shell commands, on a local server."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import replicate_sync
from replicate_sync import Polling, Replicate
from replicate_sync.server import LocalServer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Run a page in an empty folder, with a local server in place of Replicate."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("page"))
    # A reader's first polls are 5 s apart; nobody waits for that here.
    defaults = Replicate.__init__.__kwdefaults__
    patch.setitem(defaults, "polling", Polling(attempts=3000, delay=0.02))
    with replicate_sync.local() as client:
        patch.setenv("REPLICATE_BASE_URL", client.server.url)
        patch.setenv("REPLICATE_API_TOKEN", client.server.token)
        [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a cat"})
        picture.save("cat.png")
        yield client.server
    patch.undo()


def run_shell(example: Example) -> str | None:
    """Run a block of shell commands, each of which must succeed; return what failed."""
    bin_folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "BROWSER": "true",  # a command that opens nothing
    }
    if re.search(r"^replicate-sync (serve|gateway)", example.parsed, re.MULTILINE):
        return run_server(example.parsed, environment)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode == 0:
        return None
    return f"exit code {done.returncode} of\n{example.parsed}\n{done.stdout}{done.stderr}"


def run_server(commands: str, environment: dict[str, str]) -> str | None:
    """Run a server until it listens, on any free port, then stop it; return what failed."""
    commands = re.sub(
        r"^(replicate-sync (?:serve|gateway))", r"exec \1 --port 0", commands, flags=re.M
    )
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        written = ""
        for line in process.stdout:
            written += line
            if "listening" in line:
                break
        process.terminate()
        written += process.stdout.read()
    if "listening" in written and "Traceback" not in written:
        return None
    return f"exit code {process.returncode} of\n{commands}\n{written}"


pytest_collect_file = Sybil(
    parsers=[SkipParser(), PythonCodeBlockParser(), CodeBlockParser("sh", run_shell)],
    patterns=["*.md"],
    setup=lambda names: names.update(__name__="__main__", importlib=importlib),
    fixtures=["site"],
).pytest()
