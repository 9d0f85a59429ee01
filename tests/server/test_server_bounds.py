"""A server forgets the oldest of what it keeps, and nothing that runs."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer


def test_only_so_many_predictions_are_kept(caller_of: Any) -> None:
    with LocalServer(keep_predictions=3) as server:
        server.script("me/file", output=b"content")
        call = caller_of(server)
        made = [call.run("me/file") for _ in range(5)]
        assert [job.id for job in server.jobs.all()] == [one["id"] for one in reversed(made[2:])]
        assert call.get(made[0]["urls"]["get"]).status_code == 404
        assert requests.get(made[0]["output"], timeout=5).status_code == 404
        assert requests.get(made[-1]["output"], timeout=5).content == b"content"
        assert server.jobs.dropped == 2
        call.session.close()


@pytest.mark.slow
def test_only_so_many_bytes_are_kept(caller_of: Any) -> None:
    with LocalServer(keep_bytes=100_000) as server:
        server.script("me/file", output=b"x" * 40_000)
        server.script("me/huge", output=b"x" * 200_000)
        server.script("me/text", tokens=["x" * 30_000], logs="x" * 30_000)
        call = caller_of(server)
        files = [call.run("me/file") for _ in range(3)]
        assert call.get(files[0]["urls"]["get"]).status_code == 404
        assert requests.get(files[2]["output"], timeout=5).status_code == 200
        text = call.run("me/text", {"input": "x" * 30_000})
        assert [job.id for job in server.jobs.all()] == [text["id"]]
        huge = call.run("me/huge")  # one that is larger is kept until the next one
        assert len(requests.get(huge["output"], timeout=5).content) == 200_000
        assert [job.id for job in server.jobs.all()] == [huge["id"]]
        call.session.close()


@pytest.mark.slow
def test_what_runs_is_never_dropped(caller_of: Any) -> None:
    release = threading.Event()
    with LocalServer(keep_predictions=1) as server:

        @server.model("me/waits")
        def waits() -> Iterator[str]:
            release.wait(5)
            yield "done"

        server.script("me/quick", output="x")
        call = caller_of(server)
        running = call.create("me/waits", {})
        for _ in range(3):
            call.run("me/quick")
        release.set()
        body = call.until(running, lambda body: body["status"] == "succeeded")
        assert body["output"] == ["done"]
        call.session.close()


def test_the_oldest_uploads_are_dropped(caller_of: Any) -> None:
    with LocalServer(keep_bytes=100) as server:
        call = caller_of(server)
        ids = []
        for _ in range(3):
            files = {"content": b"x" * 40}
            ids.append(
                call.session.post(f"{server.url}/files", files=files, timeout=5).json()["id"]
            )
        listed = call.get("/v1/files").json()["results"]
        assert [one["id"] for one in listed] == ids[:0:-1]
        assert server.uploads.dropped == 1
        call.session.close()


def test_nothing_of_a_prediction_stays_when_it_is_dropped(caller_of: Any) -> None:
    with LocalServer(keep_predictions=2) as server:
        call = caller_of(server)
        jobs = []
        for _ in range(4):
            made = call.run("replicate/hello-world", {"text": "you"})
            jobs.append(weakref.ref(server.jobs.get(made["id"])))
        deadline = time.monotonic() + 5
        while any(job() for job in jobs[:2]) and time.monotonic() < deadline:
            gc.collect()
        assert [job() is None for job in jobs] == [True, True, False, False]
        call.session.close()
