"""A run with a journal has its result from there when a program is started again."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers, tenfold
from wire import MakeClient, Request, StartWire, response

from replicate_sync import (
    Interruption,
    InvalidInputError,
    Polling,
    PredictionFailed,
    PredictionTimeout,
)
from replicate_sync.batch.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "journal.db"


@pytest.mark.slow
def test_a_chain_that_stops_in_the_third_starts_again_at_the_third(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, fails=3)

    def chain() -> list[int]:
        client = client_of(wire(api))
        return [client.run("a/b", {"n": n}, journal=path) for n in (1, 2, 3, 4, 5)]

    with pytest.raises(PredictionFailed, match="boom"):
        chain()
    api.fails = None
    assert chain() == [10, 20, 30, 40, 50]
    assert api.created_inputs == [1, 2, 3, 3, 4, 5]
    count = len(api.created)
    assert chain() == [10, 20, 30, 40, 50]
    assert len(api.created) == count


def test_what_runs_when_a_program_ends_is_waited_for_by_the_next(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(2))
    with pytest.raises(PredictionTimeout):
        client_of(wire(api), polling=Polling(2, 0)).run("a/b", {"n": 1}, journal=path)
    api.never_ends = range(0)
    assert client_of(wire(api)).run("a/b", {"n": 1}, journal=path) == 10
    assert len(api.created) == 1
    assert api.canceled == []


def test_an_interrupted_run_cancels_nothing_and_says_how_to_go_on(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(2))

    def reply(request: Request) -> Any:
        if request.method == "GET" and "/p0" in request.path and api.never_ends:
            signal.raise_signal(signal.SIGINT)
        return api(request)

    with pytest.raises(KeyboardInterrupt) as raised:
        client_of(wire(reply)).run("a/b", {"n": 1}, journal=path)
        time.sleep(5)
    assert "the same call with the same journal" in str(Interruption.of(raised.value))
    assert api.canceled == []
    api.never_ends = range(0)
    assert client_of(wire(reply)).run("a/b", {"n": 1}, journal=path) == 10
    assert len(api.created) == 1


def test_an_interrupt_while_the_id_is_recorded_leaves_nothing_to_be_created_again(
    wire: StartWire, client_of: MakeClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = TenfoldApi(ends_at_once=False)
    client = client_of(wire(api))
    record = Journal.record_created
    interrupts = [KeyboardInterrupt()]

    def interrupted(self: Journal, position: int, prediction_id: str) -> None:
        if interrupts:
            raise interrupts.pop()
        record(self, position, prediction_id)

    monkeypatch.setattr(Journal, "record_created", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.run("a/b", {"n": 1}, journal=path)
    assert client.run("a/b", {"n": 1}, journal=path) == 10
    assert len(api.created) == 1


def test_model_input_and_key_tell_runs_apart(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi()

    def reply(request: Request) -> Any:
        if request.path == "/v1/models/a/c/predictions":
            return [response({"id": "c", "status": "succeeded", "output": "c"}, 201)]
        return api(request)

    client = client_of(wire(reply))
    for _ in range(2):
        assert client.run("a/b", {"n": 1}, journal=path) == 10
        assert client.run("a/b", {"n": 2}, journal=path) == 20
        assert client.run("a/b", {"n": 1}, journal=path, key="again") == 10
        assert client.run("a/c", {"n": 1}, journal=path) == "c"
    assert api.created_inputs == [1, 1, 2]


@pytest.mark.slow
def test_one_file_is_for_runs_and_for_a_map(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi()
    client = client_of(wire(api))
    for _ in range(2):
        assert client.run("a/b", {"n": 7}, journal=path) == 70
        assert list(client.map("a/b", numbers(3), journal=path)) == tenfold(3)
    assert api.created_inputs == [0, 1, 2, 7]


@pytest.mark.slow
def test_threads_may_share_a_journal(wire: StartWire, client_of: MakeClient, path: Path) -> None:
    api = TenfoldApi()
    client = client_of(wire(api))
    results: dict[int, Any] = {}

    def run(n: int) -> None:
        results[n] = client.run("a/b", {"n": n}, journal=path)

    for _ in range(2):
        threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {n: 10 * n for n in range(8)}
    assert api.created_inputs == list(range(8))
    journal = Journal(path)
    assert len(list(journal.entries())) == 8
    journal.close()


def test_two_threads_do_not_do_the_same_run(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(2))
    server = wire(api)
    client = client_of(server, polling=Polling(1000, 0.01))
    thread = threading.Thread(target=lambda: client.run("a/b", {"n": 1}, journal=path))
    thread.start()
    assert server.until(lambda: bool(server.seen("GET", "/v1/predictions/p0")))
    with pytest.raises(InvalidInputError, match="Another thread does the same run"):
        client.run("a/b", {"n": 1}, journal=path)
    api.never_ends = range(0)
    thread.join()
    assert len(api.created) == 1


@pytest.mark.parametrize("wrong", [{"key": 5}, {"on_lost": "ignore"}, {"journal": 5}])
def test_a_wrong_argument_is_refused_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient, path: Path, wrong: dict[str, Any]
) -> None:
    server = wire(TenfoldApi())
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        client_of(server).run("a/b", {"n": 1}, **{"journal": path, **wrong})
    assert server.requests == []
