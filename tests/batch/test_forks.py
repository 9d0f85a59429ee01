"""A forked child that ends takes nothing from the map of its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tenfold_api import TenfoldApi, tenfold
from wire import StartWire, Wire

from replicate_sync.batch.journal import Entry, Journal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

COUNT = 24
PROGRAM = """
import json, multiprocessing, os, signal, sys, time, warnings
from concurrent.futures import ProcessPoolExecutor
from replicate_sync import Polling, Replicate, ReplicateError

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
url, journal, kind, end = sys.argv[1:]

def fork(results):
    child = os.fork()
    if child == 0:
        sys.exit()  # through every finally of this program
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def go_on_in_a_fork(results):
    child = os.fork()
    if child == 0:
        try:
            next(results)
        except ReplicateError as error:
            os._exit(0 if "belongs to the process" in str(error) else 1)
        os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def collect_in_a_fork(results):
    child = os.fork()
    if child == 0:
        import gc
        del results
        gc.collect()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def multiprocess(results):
    process = multiprocessing.get_context("fork").Process(target=abs, args=(1,))
    process.start()
    process.join()
    return process.exitcode

def pool(results):
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as executor:
        return sum(executor.map(int, [0] * 4))

client = Replicate("r8_x", base_url=url, polling=Polling(300, 0.01))
inputs = ({"n": n} for n in range(24))
results = client.map("a/b", inputs, journal=journal or None, concurrency=6)
done = []
for result in results:
    done.append(result)
    if len(done) % 6 == 3:
        assert globals()[kind](results) == 0
    if end == "kill" and len(done) == 16:
        os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps(done))
"""


def start(server: Wire, journal: object, kind: str, end: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, str(journal), kind, end],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


KINDS = ["fork", "go_on_in_a_fork", "collect_in_a_fork", "multiprocess", "pool"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_journal", [False, True], ids=["without", "with journal"])
def test_a_map_goes_on_while_children_come_and_go(
    wire: StartWire, tmp_path: Path, kind: str, has_journal: bool
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    completed = start(server, tmp_path / "j.db" if has_journal else "", kind, "")
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    assert json.loads(completed.stdout) == tenfold(COUNT)
    assert Counter(api.created_inputs) == dict.fromkeys(range(COUNT), 1)
    assert api.canceled == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_parent_has_recorded_outlives_its_children_and_itself(
    wire: StartWire, tmp_path: Path, kind: str
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    path = tmp_path / "j.db"
    killed = start(server, path, kind, "kill")
    assert killed.returncode == -9, killed.stderr
    journal = Journal(path)
    entries = list(journal.entries())[:16]
    journal.close()
    assert all(isinstance(entry, Entry) and entry.ended for entry in entries)
    completed = start(server, path, kind, "")
    assert json.loads(completed.stdout) == tenfold(COUNT), completed.stderr
    assert Counter(api.created_inputs) == dict.fromkeys(range(COUNT), 1)
