"""Ctrl-C ends a program whose map waits for an API that says nothing any more."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi
from wire import Request, StartWire

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there"),
]

PROGRAM = """
import sys
from replicate_sync import Polling, Replicate
client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(300, 0.01))
inputs = ({"n": n} for n in range(1000))
for result in client.map("a/b", inputs, journal=sys.argv[2] or None, concurrency=60):
    pass
"""


@pytest.mark.parametrize("has_journal", [False, True], ids=["without", "with journal"])
@pytest.mark.parametrize("silent_on", ["creates", "polls"])
def test_ctrl_c_ends_the_program_within_three_seconds(
    wire: StartWire, tmp_path: Path, silent_on: str, has_journal: bool
) -> None:
    api = TenfoldApi(ends_at_once=False)
    silence: list[Any] = [60.0]

    def reply(request: Request) -> Any:
        is_create = request.method == "POST" and not request.path.endswith("/cancel")
        if is_create:
            prediction = api.create(request)
            return silence if silent_on == "creates" else prediction
        return silence

    def is_silent() -> bool:
        if silent_on == "creates":
            return len(server.requests) >= 60
        return sum(request.method == "GET" for request in server.requests) >= 60

    server = wire(reply)
    journal = str(tmp_path / "j.db") if has_journal else ""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url, journal], stderr=subprocess.PIPE, text=True
    )
    assert server.until(is_silent)
    interrupted_at = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - interrupted_at < 3
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt: 60 predictions in flight" in errors
    if has_journal:
        assert "fetches their results" in errors
    elif silent_on == "polls":
        assert "may still be running: p" in errors
    assert not any(request.path.endswith("/cancel") for request in server.requests) or not journal
