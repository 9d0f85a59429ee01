"""gpt4free's own client, unmodified, with the clients of this package as its providers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from official import CLIENTS, Official, command

from replicate_sync.server import LocalServer

pytestmark = pytest.mark.interop
G4F = Official("g4f==8.8.6", "g4f_python.py")
ROOT = Path(__file__).parents[2]
SCENARIOS = re.findall(
    r"^(?:async )?def (it_\w+)", (CLIENTS / G4F.script).read_text(encoding="utf-8"), re.M
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return how each scenario ended; they run together, once."""
    python, script = command(G4F)
    # What this package needs besides what gpt4free needs.
    needed = ["sseclient-py", "tenacity"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True)
    with LocalServer() as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path_factory.mktemp("home")),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(CLIENTS)]),
            "REPLICATE_BASE_URL": server.url,
            "REPLICATE_API_TOKEN": server.token,
            "REPLICATE_ORIGIN": server.origin,
        }
        run = subprocess.run(
            [python, script],
            env=environment,
            cwd=environment["HOME"],
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert run.returncode == 0, run.stderr
    ended: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return ended


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_gpt4frees_client_is_served(scenario: str, outcomes: dict[str, str]) -> None:
    if outcomes[scenario] != "passed":
        pytest.fail(outcomes[scenario], pytrace=False)
