"""A process that runs for days stays as it was: memory, sockets and threads do not grow with the number of calls."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from replicate_sync import Polling, Replicate

# An API in a process of its own, so that its memory does not count; it forgets what it has told.
pytestmark = pytest.mark.scale

API = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from wire import CHUNKED, Wire, answer, chunk, event

TEXT = [f"piece {{n}} " for n in range(20)]
END = b"0\\r\\n\\r\\n"
SCHEMA = {{"components": {{"schemas": {{"Output": {{"type": "array", "items": {{"type": "string"}}}}}}}}}}

def reply(request):
    server.requests.clear()
    if request.method == "GET" and request.path.startswith("/v1/models/"):
        return [answer({{"latest_version": {{"id": "v1", "openapi_schema": SCHEMA}}}})]
    if request.path.endswith("/cancel"):
        return [answer({{"id": request.path.split("/")[-2], "status": "canceled"}})]
    n = request.path.rsplit("/", 1)[-1] if request.method == "GET" else str(request.json["input"]["n"])
    if request.path.startswith("/s/"):
        last = request.headers.get("last-event-id")
        pieces = [chunk(event(piece, i)) for i, piece in enumerate(TEXT)]
        if last is None and int(n) % 3 == 0:
            return [CHUNKED + b"".join(pieces[:10]) + END]  # is over early, and taken up again
        first = 0 if last is None else int(last.rpartition(":")[2]) + 1
        return [CHUNKED + b"".join(pieces[first:]) + chunk(event("{{}}", 999, "done")) + END]
    shown = {{"id": n, "model": "a/b", "input": {{"n": int(n)}}, "urls": {{"stream": f"{{server.origin}}/s/{{n}}"}}}}
    held = request.method == "GET" or "prefer" in request.headers
    return [answer({{**shown, "status": "succeeded", "output": TEXT}} if held else {{**shown, "status": "starting"}}, 201)]

server = Wire(reply)
print(server.url, flush=True)
sys.stdin.read()
"""
TEXT = "".join(f"piece {n} " for n in range(20))
RUNS = int(os.environ.get("REPLICATE_SYNC_SOAK") or 1500)
WARM_UP = 500


class Size(NamedTuple):
    """What this process holds."""

    kilobytes: int
    files: int
    threads: int


def size() -> Size:
    end = time.monotonic() + 2
    while any(t.name.startswith("replicate-map") for t in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.01)  # a map does not wait for its threads
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Size(pages * os.sysconf("SC_PAGE_SIZE") // 1024, len(os.listdir("/proc/self/fd")), threading.active_count())


@pytest.fixture
def url() -> Iterator[str]:
    """The base URL of the API."""
    with subprocess.Popen([sys.executable, "-c", API], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdin
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process its size")
def test_thousands_of_calls_leave_memory_sockets_and_threads_as_they_were(url: str) -> None:
    with Replicate(base_url=url, polling=Polling(30, 0.01)) as client:

        def calls(count: int) -> None:
            for n in range(count):
                assert "".join(client.run("a/b", {"n": n})) == TEXT
                if n % 3 == 0:
                    assert "".join(client.stream("a/b", {"n": n // 3})) == TEXT
                if n % 30 == 0:
                    with closing(client.stream("a/b", {"n": n})) as left_early:
                        next(left_early)
            for _ in range(count // 500):
                results = client.map("a/b", ({"n": n} for n in range(100)), concurrency=8)
                assert all("".join(text) == TEXT for text in results)

        calls(WARM_UP)
        before, began = size(), time.monotonic()
        calls(RUNS)
        after = size()
        print(f"{RUNS} runs and {RUNS // 3} streams in {time.monotonic() - began:.1f} s: {before} -> {after}")
    # What is kept on purpose is bounded: the ids of one's own predictions, 2,000 of them at most, of 0.3 kB each.
    assert after.kilobytes - before.kilobytes < 3 * 1024 + 0.3 * min(RUNS, 2000)
    assert after.files <= before.files
    assert after.threads <= before.threads
