"""A map of many inputs: results in order, a limit on what is in flight, and nothing is lost."""

from __future__ import annotations

import gc
import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers, tenfold
from wire import MakeClient, Request, StartWire, response

from replicate_sync import (
    Interruption,
    InvalidInputError,
    MapError,
    Polling,
    PredictionFailed,
    Replicate,
)
from replicate_sync.payloads.upload import MAX_INLINE_SIZE
from replicate_sync.prediction.creation import Creation


@pytest.mark.slow
@pytest.mark.parametrize("ends_at_once", [True, False])
def test_results_are_in_the_order_of_the_inputs_with_so_many_in_flight(
    wire: StartWire, client_of: MakeClient, ends_at_once: bool
) -> None:
    api = TenfoldApi(ends_at_once=ends_at_once, slow=3)
    assert list(client_of(wire(api)).map("a/b", numbers(30), concurrency=6)) == tenfold(30)
    assert 2 <= api.most_in_flight <= 6
    assert len(api.created) == 30


@pytest.mark.slow
def test_the_order_holds_whatever_takes_long(wire: StartWire, client_of: MakeClient) -> None:
    api = TenfoldApi()

    def reply(request: Request) -> Any:
        if request.method == "POST":
            yield random.random() / 100
        yield from api(request)

    results = client_of(wire(reply)).map("a/b", numbers(40), concurrency=16)
    assert list(results) == tenfold(40)


def test_results_may_come_as_they_are_done(wire: StartWire, client_of: MakeClient) -> None:
    client = client_of(wire(TenfoldApi(slow=0)))
    results = list(client.map("a/b", numbers(20), concurrency=4, ordered=False))
    assert sorted(results) == tenfold(20)
    assert results[0] != 0


@pytest.mark.slow
def test_inputs_without_an_end_are_taken_only_as_results_are_asked_for(
    wire: StartWire, client_of: MakeClient
) -> None:
    taken: list[int] = []

    def inputs() -> Iterator[dict[str, int]]:
        for n in itertools.count():
            taken.append(n)
            yield {"n": n}

    results = client_of(wire(TenfoldApi())).map("a/b", inputs(), concurrency=4)
    assert taken == []
    assert [next(results) for _ in range(10)] == tenfold(10)
    time.sleep(0.05)
    assert len(taken) <= 10 + 8 * 4
    results.close()


def test_equal_inputs_are_predictions_of_their_own(wire: StartWire, client_of: MakeClient) -> None:
    api = TenfoldApi()
    assert list(client_of(wire(api)).map("a/b", [{"n": 4}] * 6)) == [40] * 6
    assert len(api.created) == 6


def test_a_prediction_of_a_map_is_freed_without_a_garbage_collection(
    wire: StartWire, client_of: MakeClient
) -> None:
    client = client_of(wire(TenfoldApi()))
    gc.collect()
    before = [found for found in gc.get_objects() if isinstance(found, Creation)]
    gc.disable()
    try:
        assert len(list(client.map("a/b", numbers(30)))) == 30
        alive = [found for found in gc.get_objects() if isinstance(found, Creation)]
    finally:
        gc.enable()
    assert len(alive) <= len(before) + 2  # a thread may be about to let go of its own


def test_a_progress_bar_counts_the_results(
    wire: StartWire, client_of: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = list(numbers(3))
    assert list(client_of(wire(TenfoldApi())).map("a/b", inputs, progress=True)) == tenfold(3)
    assert "3/3" in capsys.readouterr().err


# -- Errors ----------------------------------------------------------------------------------------


def test_an_input_that_fails_loses_none_of_the_others(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = TenfoldApi(fails=7)
    results = []
    with pytest.raises(MapError, match=r"Input 7 failed; .*on_error='return'.*boom") as raised:
        for result in client_of(wire(api)).map("a/b", numbers(1000), concurrency=4):
            results.append(result)
    error = raised.value
    assert results == tenfold(7)
    assert isinstance(error.__cause__, PredictionFailed)
    assert error.prediction is not None
    assert error.prediction.status == "failed"
    assert (error.position, list(error.errors)) == (7, [7])
    created = range(len(api.created))
    assert dict(error.results) == {n: 10 * n for n in created if n != 7}
    assert len(api.created) < 60


def test_further_errors_are_in_the_error_of_a_map(wire: StartWire, client_of: MakeClient) -> None:
    inputs = [{"n": 0}, "no dict", {"n": 2}, "no dict"]
    with pytest.raises(MapError, match=r"further errors in \.errors") as raised:
        list(client_of(wire(TenfoldApi())).map("a/b", inputs, concurrency=4))
    assert set(raised.value.errors) == {1, 3}
    assert dict(raised.value.results) == {0: 0, 2: 20}


def test_errors_may_take_the_places_of_their_inputs(wire: StartWire, client_of: MakeClient) -> None:
    client = client_of(wire(TenfoldApi(fails=3)))
    results = list(client.map("a/b", [*numbers(6), "no dict"], on_error="return"))
    assert isinstance(results.pop(6), InvalidInputError)
    assert isinstance(results.pop(3), PredictionFailed)
    assert results == [0, 10, 20, 40, 50]


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"concurrency": 1.5},
        {"concurrency": True},
        {"on_error": "ignore"},
        {"executor": 5},
    ],
)
def test_a_wrong_argument_is_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        Replicate().map("a/b", [], **wrong)


@pytest.mark.parametrize("inputs", [None, 5, {"n": 1}, "one", b"one"])
def test_what_is_not_several_inputs_is_refused_at_once(inputs: Any) -> None:
    with pytest.raises(InvalidInputError, match="inputs must be several inputs"):
        Replicate().map("a/b", inputs)


@pytest.mark.slow
def test_an_error_of_the_inputs_is_the_callers_own(wire: StartWire, client_of: MakeClient) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 0}
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(client_of(wire(TenfoldApi())).map("a/b", inputs()))


class BrokenInput(Mapping[str, int]):
    """An input that cannot be read."""

    def __getitem__(self, name: str) -> int:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        raise OSError("mine")

    def __len__(self) -> int:
        return 1


def test_an_error_of_an_input_is_the_callers_own(wire: StartWire, client_of: MakeClient) -> None:
    results = client_of(wire(TenfoldApi())).map("a/b", [{"n": 0}, BrokenInput()])
    assert next(results) == 0
    with pytest.raises(OSError, match="mine"):
        next(results)


# -- Leaving early ---------------------------------------------------------------------------------


def holding(api: TenfoldApi, held: set[int]) -> Callable[[Request], Any]:
    """Return what responds as the API, but holds the responses to these creates back."""

    def reply(request: Request) -> Any:
        is_create = request.method == "POST" and not request.path.endswith("/cancel")
        if is_create and request.json["input"]["n"] in held:
            api.register(request)
            return [30.0]
        return api(request)

    return reply


@pytest.mark.slow
def test_leaving_a_map_cancels_what_is_in_flight_and_what_is_being_created(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(1, 100))
    server = wire(holding(api, {1, 2}))
    client = client_of(server, timeout=60, polling=Polling(1000, 0.01))
    results = client.map("a/b", numbers(100), concurrency=4)
    assert next(results) == 0
    # The fourth is polled, and of the two whose responses are held the requests have arrived.
    assert server.until(lambda: server.seen("GET", f"/v1/predictions/{id_of(api, 3)}"))
    assert server.until(lambda: {1, 2, 3} <= set(api.created_inputs))
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 4
    assert {id_of(api, n) for n in (1, 2, 3)} <= set(api.canceled)
    assert id_of(api, 0) not in api.canceled


def id_of(api: TenfoldApi, n: int) -> str:
    """Return the id of the prediction of an input, or "" where there is none yet."""
    ids = [one["id"] for one in list(api.created) if one["input"]["n"] == n]
    return ids[0] if ids else ""


@pytest.mark.slow
def test_what_was_being_created_when_a_map_was_left_is_canceled_when_it_is_there(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(1, 100))

    def reply(request: Request) -> Any:
        is_create = request.method == "POST" and not request.path.endswith("/cancel")
        if is_create and request.json["input"]["n"] == 1:
            assert server.until(lambda: is_left)
        elif request.path == "/v1/predictions" and request.method == "GET":
            return [response({"next": None, "results": []})]  # the list is late
        return api(request)

    is_left: list[bool] = []
    server = wire(reply)
    client = client_of(server, polling=Polling(1000, 0.01))
    results = client.map("a/b", numbers(2), concurrency=2)
    assert next(results) == 0
    results.close()
    is_left.append(True)
    assert server.until(lambda: bool(api.canceled))
    assert api.canceled == [id_of(api, 1)]


@pytest.mark.parametrize(
    ("has_journal", "message"),
    [
        (False, "2 predictions in flight were canceled."),
        (
            True,
            "2 predictions in flight will go on, and the same map with the same journal fetches "
            "their results.",
        ),
    ],
)
def test_an_interrupted_map_says_what_becomes_of_what_is_in_flight(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, has_journal: bool, message: str
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(2))

    def are_polled() -> bool:
        paths = [f"/v1/predictions/{id_of(api, n)}" for n in range(2)]
        return all(server.seen("GET", path) for path in paths)

    def inputs() -> Iterator[dict[str, int]]:
        yield from numbers(2)
        assert server.until(are_polled)
        raise KeyboardInterrupt

    server = wire(api)
    client = client_of(server, polling=Polling(1000, 0.01))
    journal = tmp_path / "j.db" if has_journal else None
    with pytest.raises(KeyboardInterrupt) as raised:
        list(client.map("a/b", inputs(), concurrency=4, journal=journal))
    assert str(Interruption.of(raised.value)) == message
    assert sorted(api.canceled) == ([] if has_journal else ["p0", "p1"])


@pytest.mark.slow
def test_what_is_being_uploaded_when_a_map_is_left_is_not_created(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = TenfoldApi()
    is_left: list[bool] = []
    uploads: list[Request] = []

    def reply(request: Request) -> Any:
        if request.path != "/v1/files":
            return api(request)
        uploads.append(request)
        assert server.until(lambda: bool(is_left))
        return [response({"id": "f1", "urls": {"get": "https://files.example/f1"}}, 201)]

    server = wire(reply)
    inputs = [{"n": 0}, {"n": 1, "file": bytes(MAX_INLINE_SIZE + 1)}]
    results = client_of(server).map("a/b", inputs, concurrency=2)
    assert next(results) == 0
    assert server.until(lambda: bool(uploads))
    results.close()
    is_left.append(True)
    assert server.until(lambda: not map_threads())
    assert api.created_inputs == [0]


def map_threads() -> list[threading.Thread]:
    """Return the threads of maps that have not ended."""
    return [one for one in threading.enumerate() if one.name.startswith("replicate-map")]


# -- Executors -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_any_executor_may_do_the_waiting(
    wire: StartWire, client_of: MakeClient, kind: Callable[[int], Executor]
) -> None:
    api = TenfoldApi(ends_at_once=False)
    client = client_of(wire(api), api_key="r8_given")
    with kind(2) as executor:
        results = client.map("a/b", numbers(10), executor=executor, concurrency=3)
        assert list(results) == tenfold(10)
    assert len(api.created) == 10


def test_an_error_of_the_waiting_on_an_executor_is_that_of_its_input(
    wire: StartWire, client_of: MakeClient
) -> None:
    client = client_of(wire(TenfoldApi(ends_at_once=False, fails=1)))
    with ThreadPoolExecutor(2) as executor:
        first, second = client.map("a/b", numbers(2), executor=executor, on_error="return")
    assert first == 0
    assert isinstance(second, PredictionFailed)


class DyingExecutor(Executor):
    """An executor whose workers die."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(RuntimeError("the worker was killed"))
        return future


@pytest.mark.slow
def test_what_an_executor_loses_is_waited_for_in_this_process(
    wire: StartWire, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    api = TenfoldApi(ends_at_once=False)
    results = client_of(wire(api)).map("a/b", numbers(5), executor=DyingExecutor())
    assert list(results) == tenfold(5)
    assert len(api.created) == 5
    assert "in this process, as the executor failed: the worker was killed" in caplog.text


LATE = """
import atexit, sys, threading
from replicate_sync import Polling, Replicate

def run():
    threading.main_thread().join()
    run_map()

def run_map():
    client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(30, 0.01))
    print(list(client.map("a/b", [{"n": 1}, {"n": 2}])))

if sys.argv[2] == "thread":
    threading.Thread(target=run).start()
else:
    atexit.register(run_map)
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["thread", "atexit"])
def test_a_map_may_be_the_first_when_the_main_thread_has_ended(wire: StartWire, where: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LATE, wire(TenfoldApi()).url, where],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert process.stdout == "[10, 20]\n", process.stderr
