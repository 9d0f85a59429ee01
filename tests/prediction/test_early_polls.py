"""Where no event stream tells of the end, it is known soon, in few requests, in every way to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from wire import CUT, MakeClient, Request, StartWire, response

from replicate_sync import Polling, Replicate, ReplicateHome

SECONDS = 0.3  # that a job takes
PATIENT = Polling(delay=30)


class Job:
    """An API with one prediction, which ends so many seconds after it was created.

    Args:
        stream: What responds at the address of its event stream; None for no such address.
    """

    def __init__(self, stream: Iterable[Any] | None = None) -> None:
        self.stream = stream
        self.created_at = 0.0
        self.polls = 0
        self.polled_after = 0.0  # seconds, for the first time

    def __call__(self, request: Request) -> Iterable[Any]:
        if request.path == "/s":
            return self.stream or ()
        if request.method == "POST":
            self.created_at = time.monotonic()
        elif request.path.endswith("/p1"):
            self.polls += 1
            self.polled_after = self.polled_after or time.monotonic() - self.created_at
        state: dict[str, Any] = {"id": "p1", "status": "processing", "output": None}
        if time.monotonic() - self.created_at >= SECONDS:
            state = {"id": "p1", "status": "succeeded", "output": "done"}
        if self.stream is not None:
            state["urls"] = {"stream": f"http://{request.headers['host']}/s"}
        return [response(state, 201)]


def run_by_an_executor(client: Replicate, folder: Path) -> Any:
    with ThreadPoolExecutor(1) as executor:
        [result] = client.map("a/b", [{}], executor=executor)
        return result


def run_with_a_journal(client: Replicate, folder: Path) -> Any:
    [result] = client.map("a/b", [{}], journal=folder / "journal")
    return result


WAYS: dict[str, Callable[[Replicate, Path], Any]] = {
    "wait": lambda client, folder: client.predictions.create("a/b").wait().output,
    "stream": lambda client, folder: "".join(client.predictions.create("a/b").stream()),
    "run": lambda client, folder: client.run("a/b"),
    "map with a journal": run_with_a_journal,
    "map with an executor": run_by_an_executor,
}


def assert_known_early(job: Job, began: float) -> None:
    assert time.monotonic() - began < 15  # and not 30 s; what is exact is in test_polling.py
    assert job.polls <= 25


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_end_is_known_early(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, way: str
) -> None:
    job = Job()
    began = time.monotonic()
    assert WAYS[way](client_of(wire(job), polling=PATIENT), tmp_path) == "done"
    assert_known_early(job, began)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_was_created_just_now_is_not_polled_at_once(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, way: str
) -> None:
    job = Job()
    assert WAYS[way](client_of(wire(job), polling=PATIENT), tmp_path) == "done"
    assert job.polls == 1  # at 0.35 s, and the job has ended at 0.3 s


@pytest.mark.parametrize("way", ["wait", "stream", "run"])
def test_what_has_an_output_when_it_is_created_is_polled_at_once(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, way: str
) -> None:
    responded_at = 0.0
    lags: list[float] = []

    def respond(request: Request) -> Iterable[Any]:
        nonlocal responded_at
        if request.method == "POST":
            responded_at = time.monotonic()
            return [response({"id": "p1", "status": "processing", "output": "done"}, 201)]
        lags.append(time.monotonic() - responded_at)
        return [response({"id": "p1", "status": "succeeded", "output": "done"})]

    assert WAYS[way](client_of(wire(respond), polling=PATIENT), tmp_path) == "done"
    assert len(lags) == 1
    assert lags[0] < 0.3  # and not 0.35 s


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wait", "stream"])
@pytest.mark.parametrize("failure", [CUT, response({"detail": "gone"}, 404)])
def test_a_stream_that_fails_is_none(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, way: str, failure: Any
) -> None:
    job = Job(stream=[failure])
    began = time.monotonic()
    assert WAYS[way](client_of(wire(job), polling=PATIENT), tmp_path) == "done"
    assert_known_early(job, began)
    assert job.polled_after < 0.2  # at once where the stream has failed


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"api_key": "r8_x"}])
def test_the_end_is_known_early_on_the_homepage(wire: StartWire, options: dict[str, str]) -> None:
    job = Job()
    server = wire(job)
    base_url = server.url if options else server.origin
    began = time.monotonic()
    home = ReplicateHome(base_url=base_url, polling=PATIENT, **options)
    assert "".join(home.chat("hi")) == "done"
    assert_known_early(job, began)


@pytest.mark.slow
def test_text_that_arrives_at_each_poll_does_not_make_the_polls_more_frequent(
    wire: StartWire, client_of: MakeClient
) -> None:
    began = time.monotonic()
    polls: list[float] = []

    def growing(request: Request) -> Iterable[Any]:
        if request.method == "GET":
            polls.append(time.monotonic() - began)
        has_ended = len(polls) >= 5
        state = {
            "id": "p1",
            "status": "succeeded" if has_ended else "processing",
            "output": ["a"] * len(polls),
        }
        return [response(state, 201)]

    client = client_of(wire(growing), polling=Polling(attempts=3, delay=0.05))
    assert "".join(client.stream("a/b")) == "aaaaa"
    assert polls[-1] >= 4 * 0.05
