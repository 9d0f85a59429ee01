"""The official clients, each in an environment of its own that is made on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

CLIENTS = Path(__file__).parent / "clients"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "replicate-sync-interop"


class Official(NamedTuple):
    """A client: its package with the version, and the script that uses it."""

    package: str
    script: str


OFFICIAL = (
    Official("replicate==1.0.7", "python_1.py"),
    Official("replicate==2.0.0b4", "python_2.py"),
    Official("replicate@1.4.0", "node.mjs"),
)


def command(client: Official) -> list[str]:
    """Give what runs a script with this client; makes its environment where it is not there yet."""
    python = "{}.{}".format(*sys.version_info)
    node = client.script.endswith(".mjs")
    home = CACHE / (client.package if node else f"{client.package}-python{python}")
    program = "node" if node else str(home / "bin" / "python")
    if node and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("npm's client needs node and npm, and they are not here")
    if not (home / "made").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if node:
            (home / "package.json").write_text("{}")
            steps = [["npm", "install", "--silent", client.package]]
        else:
            steps = [
                [sys.executable, "-m", "venv", "."],
                ["bin/pip", "install", "--quiet", client.package],
            ]
        for step in steps:
            subprocess.run(step, cwd=home, check=True)
        (home / "made").touch()
    if node:  # an import looks for packages beside the script
        for script in CLIENTS.glob("*.mjs"):
            shutil.copy(script, home)
        return [program, str(home / client.script)]
    return [program, str(CLIENTS / client.script)]
