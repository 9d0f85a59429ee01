"""Many at a time, on a machine of two cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer

pytestmark = pytest.mark.scale
STREAMS, EVENTS, PREDICTIONS = 500, 20, 1000


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def read(url: str) -> list[str]:
    """Give the data of every event of a stream, its end included."""
    found = []
    with requests.get(url, stream=True, timeout=60) as response:
        for line in response.iter_lines(chunk_size=None):
            if line.startswith(b"data: "):
                found.append(line[6:].decode())
            elif line == b"event: done":
                return found
    raise AssertionError(f"a stream ended early, after {len(found)} events")


def test_500_streams_at_once_lose_no_event(server: LocalServer, caller_of: Any) -> None:
    everyone = threading.Barrier(STREAMS)

    @server.model("me/counts")
    def counts(name: int) -> Iterator[str]:
        everyone.wait(60)
        for number in range(EVENTS):
            time.sleep(0.01)
            yield f"{name}:{number}"

    call = caller_of(server)
    with ThreadPoolExecutor(STREAMS) as pool:
        made = [call.create("me/counts", {"name": name}) for name in range(STREAMS)]
        read_out = list(pool.map(lambda one: read(one["urls"]["stream"]), made))
    assert read_out == [[f"{name}:{number}" for number in range(EVENTS)] for name in range(STREAMS)]
    call.session.close()


def test_1000_predictions_in_a_row_all_end(server: LocalServer, caller_of: Any) -> None:
    server.script("me/slow", output="done", delay=1.0)
    call = caller_of(server)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: call.create("me/slow", {"n": n}), range(PREDICTIONS)))
    deadline = time.monotonic() + 60
    while any(not job.over for job in server.jobs.all()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [job.status for job in server.jobs.all()] == ["succeeded"] * PREDICTIONS
    assert len({one["id"] for one in made}) == PREDICTIONS
    listed, url = [], f"{server.url}/predictions"
    while url:
        page = call.get(url).json()
        listed += [one["input"]["n"] for one in page["results"]]
        url = page["next"]
    assert sorted(listed) == list(range(PREDICTIONS))
    call.session.close()
