"""Many inputs: results in order, a bound on what is in flight, and nothing lost when one fails."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from wire import CUT, Request, Wire, answer

from replicate_sync import InvalidInputError, MapError, PredictionError, PredictionFailed, Replicate

Start = Callable[[Callable[[Request], Any]], Wire]


class Api:
    """Creates predictions that end at once, or when they are looked at, with ten times their input as output."""

    def __init__(self, *, at_once: bool = True, fails: int = -1, slow: int = -1) -> None:
        self.at_once, self.fails, self.slow = at_once, fails, slow
        self.lock = threading.Lock()
        self.created: list[dict[str, Any]] = []
        self.in_flight = self.most = 0
        self.canceled: list[str] = []

    def __call__(self, request: Request) -> Any:
        if request.path.endswith("/cancel"):
            self.canceled.append(request.path.split("/")[-2])
            return [answer({"id": self.canceled[-1], "status": "canceled"})]
        if request.path == "/v1/predictions" and request.method == "GET":
            return [answer({"next": None, "results": self.created[::-1]})]
        if request.method == "GET":
            return [answer(self.ended(next(p for p in self.created if request.path.endswith("/" + p["id"]))))]
        return self.create(request)

    def create(self, request: Request) -> Iterator[Any]:
        given = request.json["input"]
        with self.lock:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            mine = {"id": f"p{len(self.created)}", "status": "starting", "model": "a/b", "input": given}
            self.created.append(mine)
        yield 0.3 if given["n"] == self.slow else 0.005
        with self.lock:
            self.in_flight -= 1
        yield answer(self.ended(mine) if self.at_once else mine, 201)

    def ended(self, prediction: dict[str, Any]) -> dict[str, Any]:
        n = prediction["input"]["n"]
        if n == self.fails:
            return {**prediction, "status": "failed", "error": "boom"}
        return {**prediction, "status": "succeeded", "output": 10 * n}


def numbers(count: int) -> Iterator[dict[str, int]]:
    return ({"n": n} for n in range(count))


@pytest.mark.parametrize("at_once", [True, False])
def test_results_come_in_the_order_of_the_inputs_with_so_many_in_flight(wire: Start, client_of: Any, at_once: bool) -> None:
    api = Api(at_once=at_once, slow=3)
    assert list(client_of(wire(api)).map("a/b", numbers(50), concurrency=6)) == [10 * n for n in range(50)]
    assert 4 <= api.most <= 6
    assert len(api.created) == 50


def test_results_may_come_as_they_come(wire: Start, client_of: Any) -> None:
    got = list(client_of(wire(Api(slow=0))).map("a/b", numbers(20), concurrency=4, ordered=False))
    assert sorted(got) == [10 * n for n in range(20)]
    assert got[0] != 0


def test_inputs_without_end_are_taken_only_as_results_are_asked_for(wire: Start, client_of: Any) -> None:
    api, taken = Api(), []

    def inputs() -> Iterator[dict[str, int]]:
        for n in itertools.count():
            taken.append(n)
            yield {"n": n}

    results = client_of(wire(api)).map("a/b", inputs(), concurrency=4)
    assert taken == []
    assert [next(results) for _ in range(10)] == [10 * n for n in range(10)]
    time.sleep(0.1)
    assert len(taken) <= 10 + 8 * 4
    results.close()


def test_an_input_that_fails_loses_none_of_the_others(wire: Start, client_of: Any) -> None:
    api = Api(fails=7)
    got = []
    with pytest.raises(MapError, match=r"Input 7 failed; .*on_error='return'.*boom") as raised:
        for result in client_of(wire(api)).map("a/b", numbers(1000), concurrency=4):
            got.append(result)
    error = raised.value
    assert got == [10 * n for n in range(7)]
    assert isinstance(error.__cause__, PredictionFailed)
    assert error.prediction.status == "failed"
    assert (error.position, list(error.errors)) == (7, [7])
    assert dict(error.results) == {n: 10 * n for n in range(len(api.created)) if n != 7}
    assert len(api.created) < 60


def test_errors_may_take_their_places_among_the_results(wire: Start, client_of: Any) -> None:
    results = list(client_of(wire(Api(fails=3))).map("a/b", [*numbers(6), "no dict"], on_error="return"))
    assert [r for r in results if isinstance(r, int)] == [0, 10, 20, 40, 50]
    assert isinstance(results[3], PredictionFailed)
    assert isinstance(results[6], InvalidInputError)


def test_leaving_a_map_cancels_what_is_in_flight_also_what_is_being_created(wire: Start, client_of: Any) -> None:
    api = Api(at_once=False)

    def reply(request: Request) -> Any:
        if request.method == "POST" and not request.path.endswith("/cancel") and request.json["input"]["n"] in (1, 2):
            with api.lock:
                api.created.append(
                    {"id": f"p{len(api.created)}", "status": "starting", "model": "a/b", "input": request.json["input"]}
                )
            return [30.0]  # its answer is held back
        return api(request)

    server = wire(reply)
    api.ended = lambda prediction: {
        **prediction,
        "status": "succeeded" if prediction["input"]["n"] == 0 else "processing",
        "output": 0,
    }  # type: ignore[method-assign]
    results = client_of(server, timeout=60).map("a/b", numbers(100), concurrency=4)
    assert next(results) == 0
    assert server.until(lambda: {1, 2, 3} <= {p["input"]["n"] for p in list(api.created)})
    time.sleep(0.1)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 2
    running = {p["id"] for p in api.created if p["input"]["n"] != 0}
    assert running <= set(api.canceled)


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"concurrency": 1.5}, {"on_error": "ignore"}, {"executor": 5}])
def test_arguments_that_cannot_be_kept_are_refused_at_once(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        Replicate().map("a/b", [], **wrong)


def test_an_error_in_the_inputs_is_the_callers_own(wire: Start, client_of: Any) -> None:
    def broken() -> Iterator[dict[str, int]]:
        yield {"n": 0}
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(client_of(wire(Api())).map("a/b", broken()))


# -- Elsewhere -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_waiting_may_be_done_by_any_executor(wire: Start, client_of: Any, kind: Callable[[int], Executor]) -> None:
    api = Api(at_once=False)
    client = client_of(wire(api), api_key="r8_given")
    with kind(2) as executor:
        assert list(client.map("a/b", numbers(10), executor=executor, concurrency=3)) == [10 * n for n in range(10)]
    assert len(api.created) == 10


class Dying(Executor):
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(RuntimeError("the worker was killed"))
        return future


def test_what_an_executor_loses_is_waited_for_here(wire: Start, client_of: Any) -> None:
    api = Api(at_once=False)
    assert list(client_of(wire(api)).map("a/b", numbers(5), executor=Dying())) == [0, 10, 20, 30, 40]
    assert len(api.created) == 5


# -- The journal ---------------------------------------------------------------------------------------------------------


def test_a_second_start_creates_nothing_and_asks_for_nothing(wire: Start, client_of: Any, tmp_path: Path) -> None:
    api = Api(fails=2)
    server = wire(api)
    for _ in range(2):
        results = list(client_of(server).map("a/b", numbers(6), journal=tmp_path / "j.db", on_error="return"))
        assert [r for r in results if isinstance(r, int)] == [0, 10, 30, 40, 50]
        assert "boom" in str(results[2])
        assert len(api.created) == 6
    assert len(server.seen("POST", "/v1/models/a/b/predictions")) == 6
    looks = len(server.requests)
    list(client_of(server).map("a/b", numbers(6), journal=tmp_path / "j.db", on_error="return"))
    assert len(server.requests) == looks


def test_leaving_with_a_journal_lets_run_on_what_the_next_start_fetches(wire: Start, client_of: Any, tmp_path: Path) -> None:
    api = Api(at_once=False)
    server = wire(api)
    first = client_of(server).map("a/b", numbers(20), journal=tmp_path / "j.db", concurrency=4)
    assert [next(first), next(first)] == [0, 10]
    first.close()
    assert list(client_of(server).map("a/b", numbers(20), journal=tmp_path / "j.db", concurrency=4)) == [
        10 * n for n in range(20)
    ]
    assert sorted(p["input"]["n"] for p in api.created) == list(range(20))
    assert api.canceled == []


def test_a_create_that_was_in_the_air_is_found_at_the_next_start(wire: Start, client_of: Any, tmp_path: Path) -> None:
    api = Api(at_once=False)
    lost = {1, 3}

    def reply(request: Request) -> Any:
        if request.method == "POST":
            made = list(api(request))
            return [CUT] if request.json["input"]["n"] in lost else made
        if request.path == "/v1/predictions" and lost:
            return [answer({"detail": "x"}, 500)]
        return api(request)

    server = wire(reply)
    with pytest.raises(MapError):
        list(client_of(server).map("a/b", numbers(5), journal=tmp_path / "j.db", concurrency=5))
    lost.clear()
    assert list(client_of(server).map("a/b", numbers(5), journal=tmp_path / "j.db")) == [0, 10, 20, 30, 40]
    assert len(api.created) == 5


def test_what_was_refused_is_asked_for_again(wire: Start, client_of: Any, tmp_path: Path) -> None:
    api, refuse = Api(), [True]
    server = wire(lambda r: [answer({"detail": "no credit"}, 402)] if refuse else api(r))
    with pytest.raises(MapError):
        list(client_of(server).map("a/b", numbers(2), journal=tmp_path / "j.db"))
    refuse.clear()
    assert list(client_of(server).map("a/b", numbers(2), journal=tmp_path / "j.db")) == [0, 10]
    assert len(server.seen("GET", "/v1/predictions")) == 0


@pytest.mark.parametrize(
    "gone",
    [answer({"detail": "gone"}, 404), answer({"id": "p0", "status": "succeeded", "output": None, "data_removed": True})],
)
def test_what_expired_meanwhile_is_said_and_not_paid_for_again(
    wire: Start, client_of: Any, tmp_path: Path, gone: bytes
) -> None:
    api = Api(at_once=False)
    server = wire(api)
    first = client_of(server).map("a/b", numbers(1), journal=tmp_path / "j.db")
    api.ended = lambda prediction: prediction  # type: ignore[method-assign]
    threading.Timer(0.2, server.close).start()
    with pytest.raises(MapError):
        next(first)
    server = wire(lambda r: [gone] if r.method == "GET" else api(r))
    with pytest.raises(MapError, match="removed: Replicate keeps one for an hour") as raised:
        list(client_of(server).map("a/b", numbers(1), journal=tmp_path / "j.db"))
    assert isinstance(raised.value.__cause__, PredictionError)
    assert server.seen("POST", "/v1/models/a/b/predictions") == []


def test_a_journal_of_other_inputs_or_of_another_kind_is_refused(wire: Start, client_of: Any, tmp_path: Path) -> None:
    client = client_of(wire(Api()))
    assert list(client.map("a/b", numbers(2), journal=tmp_path / "j.db")) == [0, 10]
    for model, inputs in (("a/c", numbers(2)), ("a/b", iter([{"n": 5}]))):
        with pytest.raises(MapError, match="written for another model or other inputs"):
            list(client.map(model, inputs, journal=tmp_path / "j.db"))
    (tmp_path / "text.db").write_text("this is no database " * 100)
    with pytest.raises(InvalidInputError, match="cannot be used"):
        list(client.map("a/b", numbers(1), journal=tmp_path / "text.db"))


@pytest.mark.parametrize("size", [10, 300_000])
def test_inputs_with_files_are_known_again_by_what_is_in_them(
    wire: Start, client_of: Any, tmp_path: Path, size: int
) -> None:
    api, uploads = Api(), []

    def reply(request: Request) -> Any:
        if request.path == "/v1/files":
            uploads.append(request)
            return [answer({"id": "f", "urls": {"get": f"https://api/files/{len(uploads)}"}}, 201)]
        return api(request)

    server = wire(reply)
    for _ in range(2):
        given = [{"n": n, "image": b"x" * size + bytes([n])} for n in range(3)]
        assert list(client_of(server).map("a/b", given, journal=tmp_path / "j.db")) == [0, 10, 20]
    assert len(api.created) == 3
    assert len(uploads) == (3 if size > 262_144 else 0)
    with pytest.raises(MapError, match="other inputs"):
        list(client_of(server).map("a/b", [{"n": 0, "image": b"other"}], journal=tmp_path / "j.db"))


def test_equal_inputs_are_runs_of_their_own(wire: Start, client_of: Any, tmp_path: Path) -> None:
    api = Api()
    same = [{"n": 4}] * 6
    for _ in range(2):
        assert list(client_of(wire(api)).map("a/b", same, journal=tmp_path / "j.db")) == [40] * 6
    assert len(api.created) == 6


def test_the_order_holds_whatever_takes_long(wire: Start, client_of: Any) -> None:
    api = Api()
    api.create = lambda request, create=api.create: [random.random() / 50, *list(create(request))[1:]]  # type: ignore[method-assign,misc,assignment]
    assert list(client_of(wire(api)).map("a/b", numbers(100), concurrency=16)) == [10 * n for n in range(100)]
