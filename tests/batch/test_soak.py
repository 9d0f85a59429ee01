"""A process that runs for days stays as it was: memory, files and threads do not grow."""

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

pytestmark = pytest.mark.scale

# An API in a process of its own, so that its memory does not count. It forgets what it has sent.
API = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from wire import CHUNKED, Wire, chunk, event, response

PIECES = [f"piece {{n}} " for n in range(20)]
END_OF_CHUNKS = b"0\\r\\n\\r\\n"
DONE = chunk(event("{{}}", 999, "done")) + END_OF_CHUNKS
OUTPUT = {{"type": "array", "items": {{"type": "string"}}}}
SCHEMA = {{"components": {{"schemas": {{"Output": OUTPUT}}}}}}


def stream(request, n):
    last_id = request.headers.get("last-event-id")
    chunks = [chunk(event(piece, i)) for i, piece in enumerate(PIECES)]
    if last_id is None and n % 3 == 0:
        return [CHUNKED + b"".join(chunks[:10]) + END_OF_CHUNKS]  # ends early, and is resumed
    first = 0
    if last_id is not None:
        first = int(last_id.rpartition(":")[2]) + 1
    return [CHUNKED + b"".join(chunks[first:]) + DONE]


def reply(request):
    server.requests.clear()
    if request.method == "GET" and request.path.startswith("/v1/models/"):
        return [response({{"latest_version": {{"id": "v1", "openapi_schema": SCHEMA}}}})]
    if request.path.endswith("/cancel"):
        return [response({{"id": request.path.split("/")[-2], "status": "canceled"}})]
    if request.method == "POST":
        n = request.json["input"]["n"]
    else:
        n = int(request.path.rpartition("/")[2])
    if request.path.startswith("/s/"):
        return stream(request, n)
    urls = {{"stream": f"{{server.origin}}/s/{{n}}"}}
    prediction = {{"id": str(n), "model": "a/b", "input": {{"n": n}}, "urls": urls}}
    if request.method == "GET" or "prefer" in request.headers:
        return [response({{**prediction, "status": "succeeded", "output": PIECES}}, 201)]
    return [response({{**prediction, "status": "starting"}}, 201)]


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


def measure_size() -> Size:
    """Return what this process holds, once the threads of maps have ended."""
    end = time.monotonic() + 2
    while any(one.name.startswith("replicate-map") for one in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Size(
        kilobytes=pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        files=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
    )


def make_calls(client: Replicate, count: int) -> None:
    """Make so many runs, with streams, streams that are left early, and maps between them."""
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


@pytest.fixture
def api_url() -> Iterator[str]:
    """Return the base URL of the API."""
    with subprocess.Popen(
        [sys.executable, "-c", API], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        assert server.stdin
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="this system does not say how large a process is"
)
def test_thousands_of_calls_leave_memory_files_and_threads_as_they_were(api_url: str) -> None:
    with Replicate(base_url=api_url, polling=Polling(30, 0.01)) as client:
        make_calls(client, WARM_UP)
        before = measure_size()
        started = time.monotonic()
        make_calls(client, RUNS)
        after = measure_size()
    seconds = time.monotonic() - started
    print(f"{RUNS} runs and {RUNS // 3} streams in {seconds:.1f} s: {before} -> {after}")
    # What is kept on purpose is limited: the ids of up to 2,000 predictions, 0.3 kB each.
    assert after.kilobytes - before.kilobytes < 3 * 1024 + 0.3 * min(RUNS, 2000)
    assert after.files <= before.files
    assert after.threads <= before.threads
