"""Killed at thirty random moments and restarted, a map with a journal creates nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tenfold_api import TenfoldApi, tenfold
from wire import StartWire

pytestmark = pytest.mark.scale


COUNT = 3000
PROGRAM = f"""
import json, os, random, signal, sqlite3, sys, time
from replicate_sync import Polling, Replicate
import replicate_sync.batch.journal, replicate_sync.batch.runner, tenacity.wait  # before each fork

def results():
    client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(100, 0.01))
    inputs = ({{"n": n}} for n in range({COUNT}))
    return list(client.map("a/b", inputs, journal=sys.argv[2], concurrency=6))

killed = 0
while killed < 30:
    child = os.fork()
    if child == 0:
        results()
        os._exit(0)
    time.sleep(random.uniform(0, 1))
    os.kill(child, signal.SIGKILL)
    killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    time.sleep(0.02)  # so that requests that were in flight have arrived
file = sqlite3.connect(sys.argv[2])
print(file.execute("select count(*) from runs").fetchone()[0], file=sys.stderr)
file.close()
print(json.dumps(results()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_thirty_random_moments_each_input_is_created_once(
    wire: StartWire, tmp_path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, str(tmp_path / "j.db")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert completed.returncode == 0, completed.stderr
    assert 50 < int(completed.stderr) < COUNT, "the kills were not spread over the work"
    assert json.loads(completed.stdout) == tenfold(COUNT)
    created = Counter(api.created_inputs)
    assert set(created) == set(range(COUNT))
    assert {n: count for n, count in created.items() if count > 1} == {}
