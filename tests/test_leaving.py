"""Ctrl-C, in a real process and by a real signal: the prediction is canceled, and the program ends as Python's do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from wire import CHUNKED, Request, Wire, answer, chunk, event

Start = Callable[[Callable[[Request], Any]], Wire]

STREAM = "for text in client.chat('hi', 'a/b'): print(text, flush=True)"
RUN = "client.run('a/b', {'prompt': 'hi'})"
KEEP = "client.run('a/b', {'prompt': 'hi'}, cancel_on_exit=False)"
POLL = "client.predictions.create('a/b', {'prompt': 'hi'}).wait()"
PROGRAM = """
import sys
from replicate_sync import Polling, Replicate
client = Replicate("r8_secret", base_url=sys.argv[1], polling=Polling(30, 1.0))
print("ready", flush=True)
{}
"""


class Slow:
    """A prediction that goes on until it is canceled; `hold` answers its creation late, as a server does that waits."""

    def __init__(self, *, hold: bool = False, streams: bool = False) -> None:
        self.hold = hold
        self.streams = streams
        self.created = False
        self.canceled_at = 0.0

    def __call__(self, request: Request) -> Iterable[Any]:
        if request.path == "/s":
            yield CHUNKED + chunk(event("Once", 0))
            yield 30.0
            return
        if request.path.endswith("/cancel"):
            self.canceled_at = time.monotonic()
        urls = {"stream": f"http://{request.headers['host']}/s"} if self.streams else {}
        status = "canceled" if self.canceled_at else "processing"
        mine = {"id": "p1", "status": status, "model": "a/b", "input": {"prompt": "hi"}, "urls": urls}
        if request.method == "POST":
            self.created = True
            if self.hold and not request.path.endswith("/cancel"):
                yield 30.0
        if request.path == "/v1/predictions":
            yield answer({"next": None, "results": [mine]})
        else:
            yield answer(mine, 201)


@pytest.mark.parametrize(
    ("program", "model"),
    [
        (STREAM, Slow(streams=True)),
        (RUN, Slow()),
        (RUN, Slow(hold=True)),
        (POLL, Slow()),
        (POLL, Slow(streams=True)),
    ],
    ids=["a stream", "a run", "a run whose answer is held back", "a wait", "a wait that listens"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_cancels_the_prediction_within_two_seconds(wire: Start, program: str, model: Slow) -> None:
    server = wire(model)
    said, pressed, returned = interrupt(server, program, lambda: model.created and (model.hold or len(server.requests) > 1))
    assert 0 < model.canceled_at - pressed < 2
    assert time.monotonic() - pressed < 4
    assert returned == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert "r8_secret" not in said
    assert len([r for r in server.requests if r.method == "POST" and not r.path.endswith("cancel")]) == 1


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_leaves_running_what_was_meant_to_run_on(wire: Start, hold: bool) -> None:
    model = Slow(hold=hold)
    server = wire(model)
    interrupt(server, KEEP, lambda: model.created)
    assert not [r for r in server.requests if r.path.endswith("cancel")]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_between_two_tries_touches_nobody_elses_prediction(wire: Start) -> None:
    def busy(request: Request) -> Iterable[Any]:
        others = {"id": "theirs", "status": "processing", "model": "a/b", "input": {"prompt": "hi"}}
        later = answer({"detail": "later", "retry_after": 30}, 429)
        return [later if request.method == "POST" else answer({"next": None, "results": [others]})]

    server = wire(busy)
    interrupt(server, RUN, lambda: bool(server.requests))
    assert [r.method for r in server.requests] == ["POST"]


def interrupt(server: Wire, program: str, ready: Callable[[], bool]) -> tuple[str, float, int]:
    """Press Ctrl-C in a program that is in the middle of its waiting; give its last words, the moment, and its status."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(program), server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert server.until(ready)
        time.sleep(0.2)  # let it be in the middle of its waiting
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
    return said, pressed, process.returncode


AT_EXIT = """
import threading
generator = client.stream('a/b', {'prompt': 'hi'})
print(next(generator), flush=True)
threading.Thread(target=client.predictions.create('a/b', {'prompt': 'hi'}).wait, daemon=True).start()
import time; time.sleep(0.3)
"""


def test_the_programs_end_cancels_what_is_still_listened_to_or_waited_for(wire: Start) -> None:
    model = Slow(streams=True)
    server = wire(model)
    program = PROGRAM.format(AT_EXIT)
    ran = subprocess.run([sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=20)
    assert ran.returncode == 0, ran.stderr
    assert len([r for r in server.requests if r.path.endswith("/cancel")]) == 2
    assert ran.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_end_of_a_forked_child_cancels_nothing_of_its_parents(wire: Start) -> None:
    model = Slow(streams=True)
    server = wire(model)
    child = "import os\ngenerator = client.stream('a/b', {'prompt': 'hi'})\nnext(generator)\n"
    child += "if os.fork() == 0: sys.exit()\nos.wait(); print(len(generator.gi_frame.f_locals), flush=True); os._exit(0)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM.format(child), server.url], timeout=20, check=True)
    assert not [r for r in server.requests if r.path.endswith("/cancel")]


LEFT_OPEN = """
results = client.map('a/b', ({'n': n} for n in range(100)), concurrency=3)
import threading
threading.Thread(target=lambda: next(results), daemon=True).start()
import time; time.sleep(0.4)
"""


def test_the_programs_end_does_not_wait_for_a_map_that_was_left_open(wire: Start) -> None:
    canceled: list[str] = []

    def reply(request: Request) -> Iterable[Any]:
        name = request.path.split("/")[3] if request.path.count("/") > 2 else "x"
        if request.path.endswith("/cancel"):
            canceled.append(name)
        status = "canceled" if name in canceled else "processing"
        made = f"p{request.json['input']['n']}" if request.method == "POST" and request.body else name
        return [answer({"id": made, "status": status, "model": "a/b", "input": {}}, 201)]

    server = wire(reply)
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(LEFT_OPEN), server.url], capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 0, ran.stderr
    assert sorted(canceled) == ["p0", "p1", "p2"]
    assert time.monotonic() - began < 5
