"""Killed at fifty random moments and started again, a map with a journal pays for each input once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_map import Api
from wire import Request, Wire

pytestmark = pytest.mark.scale

Start = Callable[[Callable[[Request], Any]], Wire]

INPUTS = 1200
PROGRAM = f"""
import json, os, random, signal, sqlite3, sys, time
from replicate_sync import Polling, Replicate, journal, runs  # what a map loads late is here before each fork
import tenacity.wait

def results():
    client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(100, 0.01))
    return list(client.map("a/b", ({{"n": n}} for n in range({INPUTS})), journal=sys.argv[2], concurrency=6))

killed = 0
while killed < 50:
    child = os.fork()
    if child == 0:
        results()
        os._exit(0)
    time.sleep(random.uniform(0, 0.12))
    os.kill(child, signal.SIGKILL)
    killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    time.sleep(0.02)  # what was in the air has landed
file = sqlite3.connect(sys.argv[2])
print(file.execute("select count(*) from runs").fetchone()[0], file=sys.stderr)
file.close()
print(json.dumps(results()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_fifty_random_moments_each_input_is_paid_for_once(wire: Start, tmp_path: Path) -> None:
    api = Api(at_once=False)
    server = wire(api)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, str(tmp_path / "j.db")], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert 50 < int(ran.stderr) < INPUTS, "the kills were not spread over the work"
    assert json.loads(ran.stdout) == [10 * n for n in range(INPUTS)]
    created = Counter(p["input"]["n"] for p in api.created)
    assert set(created) == set(range(INPUTS))
    assert {n: times for n, times in created.items() if times > 1} == {}
