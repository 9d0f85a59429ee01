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


def run(*arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Run Python in a new process."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def start(server: Wire, journal: object, kind: str, end: str) -> subprocess.CompletedProcess[str]:
    return run("-c", PROGRAM, server.url, str(journal), kind, end)


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


IMPORTING = """
import importlib.abc, os, sys, threading, time
from replicate_sync import Polling, Replicate

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[2]:
            begun.set()
            time.sleep(0.3)

begun = threading.Event()
sys.meta_path.insert(0, Slow())
client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(300, 0.01))

def call(n):
    assert list(client.map("a/b", [{"n": n}])) == [10 * n]

thread = threading.Thread(target=call, args=(1,))
thread.start()
assert begun.wait(5)
child = os.fork()
if child == 0:
    call(2)
    os._exit(0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("module", ["tenacity", "replicate_sync.batch.window"])
def test_a_child_does_not_wait_for_what_a_thread_of_its_parent_was_importing(
    wire: StartWire, module: str
) -> None:
    server = wire(TenfoldApi(ends_at_once=False))
    completed = run("-W", "ignore", "-c", IMPORTING, server.url, module, timeout=20)
    assert completed.returncode == 0, completed.stderr


FORKING_TWICE = """
import importlib.abc, importlib.util, os, sys, threading, time
from replicate_sync import Replicate

class Slow(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "tenacity" else None

    def exec_module(self, module):
        begun.set()
        end.wait(20)

def fork(call):
    child = os.fork()
    if child == 0:
        code = 100
        try:
            code = call()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def fork_again():
    began = time.monotonic()
    return fork(lambda: 0) or int(time.monotonic() - began >= 2)

begun = threading.Event()
end = threading.Event()
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=importlib.import_module, args=("tenacity",))
thread.start()
assert begun.wait(5)
code = fork(fork_again)
end.set()
thread.join()
sys.exit(code)
"""


def test_a_child_that_forks_waits_for_no_import_of_its_parent() -> None:
    completed = run("-W", "ignore", "-c", FORKING_TWICE, timeout=20)
    assert completed.returncode == 0, completed.stderr


# Threads call functions of many shapes, and go on wherever the one that forks collects garbage.
COLLECTING = """
import gc, os, threading, time
from replicate_sync import Replicate

def few(depth):
    if depth:
        return few(depth - 1)
    time.sleep(0.0001)

def many(depth, a="a", b="b", c="c", d="d", e="e", f="f"):
    if depth:
        return many(depth - 1)
    time.sleep(0.0001)

def call():
    while not stop.is_set():
        for depth in range(10):
            few(depth)
            many(depth)

def let_others_go_on(phase, info):
    if threading.current_thread() is threading.main_thread():
        time.sleep(0.001)

stop = threading.Event()
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads:
    thread.start()
gc.callbacks.append(let_others_go_on)
gc.set_threshold(3)
for _ in range(40):
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
"""


def test_a_process_that_collects_garbage_while_it_forks_survives() -> None:
    completed = run("-W", "ignore", "-c", COLLECTING)
    assert (completed.returncode, completed.stderr) == (0, "")


# Threads run, open journals and sessions, and read the usage, while two others fork.
BUSY = """
import itertools, json, multiprocessing, os, subprocess, sys, threading, time, warnings
from replicate_sync import Polling, Replicate

warnings.simplefilter("ignore")
url, folder, forks = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = Replicate("r8_x", base_url=url, polling=Polling(300, 0.01))
numbers = itertools.count()
stop = threading.Event()
problems = []
done = []

def run(client=client):
    n = next(numbers)
    assert client.run("a/b", {"n": n}, wait=False) == 10 * n
    done.append(n)

def run_in_a_new_thread():
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

def read_usage():
    client.usage.total
    time.sleep(0.001)

def run_map():
    given = [next(numbers) for _ in range(6)]
    path = os.path.join(folder, f"{given[0]}.db")
    results = client.map("a/b", [{"n": n} for n in given], journal=path, concurrency=3)
    assert list(results) == [10 * n for n in given]
    done.extend(given)

def call_in_child(n):
    assert client.run("a/b", {"n": n}, wait=False) == 10 * n
    client.usage.total
    path = os.path.join(folder, f"child{n}.db")
    assert list(client.map("a/b", [{"n": n + 1}], journal=path)) == [10 * (n + 1)]

def fork(n, end):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call_in_child(n)
            code = 0
        finally:
            end(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def multiprocess(n):
    process = multiprocessing.get_context("fork").Process(target=call_in_child, args=(n,))
    process.start()
    process.join()
    return process.exitcode

def preexec(n):
    command = [sys.executable, "-c", ""]
    return subprocess.run(command, preexec_fn=lambda: call_in_child(n)).returncode

KINDS = [lambda n: fork(n, os._exit), lambda n: fork(n, sys.exit), multiprocess, preexec]

def repeat(function):
    try:
        while not stop.is_set():
            function()
    except BaseException as error:
        problems.append(repr(error))

def fork_often(first):
    for number in range(forks):
        n = first + 2 * number
        code = KINDS[number % (4 if number % 8 == 3 else 3)](n)
        if code != 0:
            problems.append(f"child {n}: {code}")
        done.extend((n, n + 1))

busy = [run, run_in_a_new_thread, read_usage, run_map, run_map]
threads = [threading.Thread(target=repeat, args=(one,)) for one in busy]
other = threading.Thread(target=fork_often, args=(200_000,))
for thread in [*threads, other]:
    thread.start()
fork_often(100_000)
other.join()
stop.set()
for thread in threads:
    thread.join()
print(json.dumps([problems, done]))
"""


def test_children_of_a_busy_parent_make_calls_of_their_own_and_nothing_hangs_or_is_doubled(
    wire: StartWire, tmp_path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    forks = os.environ.get("FORKS", "12")
    completed = run("-c", BUSY, server.url, str(tmp_path), forks, timeout=120)
    assert completed.returncode == 0, completed.stderr
    problems, done = json.loads(completed.stdout)
    assert problems == [], completed.stderr
    assert api.created_inputs == sorted(done)
    assert api.canceled == []
    for path in tmp_path.glob("*.db"):
        journal = Journal(path)
        entries = list(journal.entries())
        journal.close()
        assert len(entries) == (1 if "child" in path.name else 6)
        assert all(isinstance(entry, Entry) and entry.ended for entry in entries)
