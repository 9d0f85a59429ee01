"""What the small programs print with the official client is what is recorded of them.

Run with RECORD_PROGRAMS=1 to record it anew.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from official import OFFICIAL, command
from official_programs import FOLDER, programs, register

from replicate_sync.server import LocalServer

pytestmark = pytest.mark.interop
PRINTED = FOLDER.parent / "printed.json"
CHILD = FOLDER.parent / "official_child.py"


def test_the_programs_print_what_is_recorded() -> None:
    python = command(OFFICIAL[0])[0]
    environment = {**os.environ, "REPLICATE_POLL_INTERVAL": "0.05"}
    printed = {}
    with subprocess.Popen(
        [python, str(CHILD)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for program in programs():
            with LocalServer() as server:
                register(server)
                point = {"REPLICATE_BASE_URL": server.url, "REPLICATE_API_TOKEN": server.token}
                line = json.dumps({"source": program.source, "environment": point})
                child.stdin.write(line + "\n")
                child.stdin.flush()
                printed[program.name] = json.loads(child.stdout.readline())
        child.stdin.close()
    if os.environ.get("RECORD_PROGRAMS"):
        text = json.dumps(printed, indent=1, ensure_ascii=False)
        PRINTED.write_text(text + "\n", encoding="utf-8")
    assert printed == json.loads(PRINTED.read_text(encoding="utf-8"))
