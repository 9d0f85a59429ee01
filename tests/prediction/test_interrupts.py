"""An interrupt at any place of a call comes out of it, and leaves no prediction running unsaid.

INTERRUPT_EVERY=1 in the environment interrupts at each line of each call, which takes half an hour.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest
from wire import (
    CHUNKED,
    LAST_CHUNK,
    QUICK,
    TOKEN,
    MakeClient,
    Request,
    StartWire,
    Wire,
    chunk,
    event,
    response,
)

from replicate_sync import Interruption, Replicate
from replicate_sync.forks import brief_lock

TEXT = ["Once", " upon", " a time"]
# The files in which Python code is interrupted: this package, and what it calls for a request.
INTERRUPTED = ("replicate_sync", "urllib3", "requests/", "http/client", "contextlib", "sse")
# Places at which no program could do better: the first line of the call, before its `try`.
NOT_BEGUN = {"wait", "run", "stream", "_stream"}
# The many places are each so many lines apart.
STEP = int(os.environ.get("INTERRUPT_EVERY", "61"))


class Api:
    """Creates predictions that succeed at their second poll, if nobody has canceled them."""

    def __init__(self, *, has_stream: bool) -> None:
        self.has_stream = has_stream
        self.predictions: dict[str, dict[str, Any]] = {}
        self.polls: dict[str, int] = {}

    def __call__(self, request: Request) -> list[Any]:
        path = request.path
        if path.startswith("/s/"):
            pieces = [chunk(event(text, number)) for number, text in enumerate(TEXT)]
            return [CHUNKED, *pieces, chunk(event("{}", 9, "done")), LAST_CHUNK]
        if path.endswith("/cancel"):
            data = self.predictions[path.split("/")[3]]
            if data["status"] == "processing":
                data["status"] = "canceled"
            return [response(data)]
        if request.method == "POST":
            return [response(self.create(request), 201)]
        if path == "/v1/predictions":
            return [response({"next": None, "results": [*self.predictions.values()][-50:][::-1]})]
        data = self.predictions.get(path.split("/")[3])
        if data is None:
            return [response({}, 404)]
        self.polls[data["id"]] = self.polls.get(data["id"], 0) + 1
        if self.polls[data["id"]] == 2 and data["status"] == "processing":
            data.update(status="succeeded", output=TEXT)
        return [response(data)]

    def create(self, request: Request) -> dict[str, Any]:
        new_id = f"p{len(self.predictions)}"
        now = time.time()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        urls = {"stream": f"http://{request.headers['host']}/s/{new_id}"} if self.has_stream else {}
        self.predictions[new_id] = {
            "id": new_id,
            "status": "processing",
            "model": "a/b",
            "version": "hidden",
            "input": request.json["input"],
            "urls": urls,
            "created_at": f"{seconds}.{int(now % 1 * 1e6):06d}Z",
        }
        return self.predictions[new_id]


class Interrupter:
    """Raises KeyboardInterrupt at the n-th line that is executed, in all code or in one function."""

    def __init__(self, n: int, function: str = "") -> None:
        self.remaining = n
        self.function = function
        self.place = ""

    def enter(self, frame: FrameType, happening: str, argument: object) -> Any:
        file = frame.f_code.co_filename
        is_wanted = self.function in ("", frame.f_code.co_name)
        if is_wanted and any(name in file for name in INTERRUPTED) and "/tests/" not in file:
            return self.step
        return None

    def step(self, frame: FrameType, happening: str, argument: object) -> Any:
        if happening == "line":
            self.remaining -= 1
            if self.remaining == 0:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.step


@pytest.fixture(autouse=True)
def no_lock_is_kept() -> Iterator[None]:
    """Release what was kept by an interrupt just before a `with` was left.

    No real one comes there since CPython 3.11. A thread of another test would wait for ever.
    """
    yield
    with suppress(RuntimeError):  # it is not held any more
        while True:
            brief_lock.release()


@contextmanager
def unraisable() -> Iterator[list[Any]]:
    """Collect the exceptions that Python ignores, as in finalizers.

    A socket that an interrupt has caught between two lines of urllib3 is closed as it is destroyed,
    with a warning, which is none of them.
    """
    ignored: list[Any] = []
    hook = sys.unraisablehook

    def note(problem: Any) -> None:
        if not issubclass(problem.exc_type, ResourceWarning):
            ignored.append(f"{problem.exc_value!r} in {problem.object!r}")

    sys.unraisablehook = note
    try:
        yield ignored
    finally:
        sys.unraisablehook = hook


@contextmanager
def collections_by_hand() -> Iterator[Callable[[], int]]:
    """Yield what collects garbage, and returns how many sockets were in it that nobody closed."""
    gc.collect()
    gc.freeze()  # each later collection is quick
    gc.disable()

    def collect() -> int:
        unclosed: list[Any] = []
        hook = sys.unraisablehook
        sys.unraisablehook = unclosed.append  # the warnings are errors here
        try:
            gc.collect()
        finally:
            sys.unraisablehook = hook
        return len(unclosed)

    try:
        yield collect
    finally:
        gc.enable()
        gc.unfreeze()


def check_place(
    api: Api, call: Callable[[], object], n: int, started: set[str], collect: Callable[[], int]
) -> str | None:
    """Interrupt a call at its n-th line; return what is wrong then, "" if it has fewer lines."""
    interrupter = Interrupter(n)
    said = ""
    outcome = "returned"
    with unraisable() as ignored:
        sys.settrace(interrupter.enter)
        try:
            call()
        except KeyboardInterrupt as interrupt:
            outcome = "interrupted"
            said = str(Interruption.of(interrupt) or "")
        except BaseException as error:  # what took the place of the interrupt
            outcome = repr(error)
        finally:
            sys.settrace(None)
    unclosed = collect()
    if not interrupter.place:
        return ""
    new = [data for name, data in api.predictions.items() if name not in started]
    running = [data["id"] for data in new if data["status"] == "processing"]
    is_said = not running or said or interrupter.place.split()[-1] in NOT_BEGUN
    if outcome == "interrupted" and not ignored and not unclosed and is_said:
        return None
    return (
        f"{interrupter.place}: {outcome}, running {running}, said {said!r}, ignored {ignored}, "
        f"{unclosed} sockets left to the garbage collection"
    )


def call_of(client: Replicate, name: str, n: int = 0) -> tuple[Callable[[], object], bool]:
    """Return a call of an input of its own, and whether its prediction is created before it."""
    given = {"n": n}
    if name.startswith("wait"):
        return client.predictions.create("a/b", given).wait, True
    if name == "stream":
        return lambda: list(client.stream("a/b", given)), False
    return lambda: client.run("a/b", given, wait=False), False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "step"),
    [(7, 401), (1, STEP)],
    ids=["some places", "many places"],
)
@pytest.mark.parametrize("name", ["run", "wait", "wait with a stream", "stream"])
def test_no_place_loses_an_interrupt_or_a_prediction(
    wire: StartWire, client_of: MakeClient, name: str, start: int, step: int
) -> None:
    api = Api(has_stream="stream" in name)
    client = client_of(wire(api))
    call_of(client, name)[0]()  # what is imported and connected at first
    problems: list[str] = []
    n = start
    problem: str | None = None
    with collections_by_hand() as collect:
        while problem != "":
            call, is_created = call_of(client, name)
            started = set(api.predictions)
            if is_created:
                started.remove(max(started, key=lambda one: int(one[1:])))
            problem = check_place(api, call, n, started, collect)
            if problem:
                problems.append(problem)
            n += step
    assert n > 1000
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("function", ["is_connection_dropped", "create_connection", "getresponse"])
def test_an_interrupt_leaves_no_socket_whose_destruction_could_swallow_the_next_one(
    wire: StartWire, function: str
) -> None:
    server = wire(Api(has_stream=False))

    def interrupt_run() -> str:
        client = Replicate(TOKEN, base_url=server.url, polling=QUICK)
        if function == "is_connection_dropped":
            call_of(client, "run")[0]()
        interrupter = Interrupter(2, function)
        sys.settrace(interrupter.enter)
        try:
            call_of(client, "run")[0]()
        except KeyboardInterrupt:
            return interrupter.place
        finally:
            sys.settrace(None)
        return "nowhere"

    with collections_by_hand() as collect, unraisable():
        place = interrupt_run()
        assert function in place
        assert collect() == 0


def interrupt_later(server: Wire, count: int, delay: float) -> threading.Thread:
    """Return what presses Ctrl-C so many seconds after so many further requests."""
    wanted = len(server.requests) + count

    def press() -> None:
        server.until(lambda: len(server.requests) >= wanted, 5)
        time.sleep(delay)
        signal.raise_signal(signal.SIGINT)

    return threading.Thread(target=press)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run", "wait with a stream", "stream"])
def test_no_real_signal_is_lost_and_none_leaves_a_prediction_running_unsaid(
    wire: StartWire, client_of: MakeClient, name: str
) -> None:
    api = Api(has_stream="stream" in name)
    server = wire(api)
    client = client_of(server)
    call_of(client, name)[0]()
    problems: list[str] = []
    interrupted = 0
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for n in range(1, 301):
            call, _ = call_of(client, name, n)
            said = None
            phase = "before"
            with unraisable() as ignored:
                timer = interrupt_later(server, n % 3, (n // 3) * 0.00005)
                try:
                    timer.start()
                    phase = "within the call"
                    call()
                    phase = "after"
                    timer.join()
                    time.sleep(0.001)
                except KeyboardInterrupt as interrupt:
                    interrupted += 1
                    said = str(Interruption.of(interrupt) or "")
            timer.join()
            made = [data for data in api.predictions.values() if data["input"] == {"n": n}]
            running = [data["id"] for data in made if data["status"] == "processing"]
            if ignored or (phase == "within the call" and running and not said):
                problems.append(f"{n}: running {running}, said {said!r}, ignored {ignored}")
    finally:
        signal.signal(signal.SIGINT, previous)
    assert problems == []
    assert interrupted == 300
