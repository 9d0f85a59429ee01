"""What a model prints is logged, and nobody else's prints are."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from replicate_sync.server import LocalServer


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """The streams are the program's own again once no model runs."""
    yield
    deadline = time.monotonic() + 5
    while any(
        type(stream).__module__.startswith("replicate_sync") for stream in (sys.stdout, sys.stderr)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_prints_of_a_model_are_its_logs(
    local: LocalServer, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    @local.model("me/talks")
    def talks(name: str) -> Iterator[str]:
        print("out:", name)
        print("half a line", end="", file=sys.stderr, flush=True)
        sys.stdout.writelines([" and\n", "the rest\n"])
        yield "a"
        print("behind the first piece")
        assert sys.stdout.encoding  # what else a stream can do, it does
        yield "b"

    body = call.run("me/talks", {"name": "Bo"})
    assert body["status"] == "succeeded"
    assert body["logs"] == "out: Bo\nhalf a line and\nthe rest\nbehind the first piece"
    assert capsys.readouterr() == ("", "")


def test_each_models_prints_are_its_own_and_the_programs_stay_the_programs(
    local: LocalServer, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    turn, done = threading.Barrier(3, timeout=5), threading.Barrier(3, timeout=5)

    @local.model("me/prints")
    def prints(word: str) -> str:
        for number in range(20):
            turn.wait()
            print(word, number)
            done.wait()
        return word

    made = [call.create("me/prints", {"word": word}) for word in ("one", "two")]
    for number in range(20):
        turn.wait()
        print("program", number)
        done.wait()
    for prediction, word in zip(made, ("one", "two"), strict=True):
        logs = call.until(prediction, lambda body: body["status"] == "succeeded")["logs"]
        assert logs.splitlines() == [f"{word} {number}" for number in range(20)]
    assert capsys.readouterr().out.splitlines() == [f"program {number}" for number in range(20)]


REDIRECTING_PROGRAM = """
import contextlib, io, sys, threading, time
import replicate_sync

begun, go = threading.Event(), threading.Event()
with replicate_sync.local() as client:

    @client.server.model("me/waits")
    def waits() -> str:
        begun.set()
        go.wait(5)
        print("from the model")
        return ""

    usual, buffer = sys.stdout, io.StringIO()
    first = client.predictions.create("me/waits")
    begun.wait(5)
    with contextlib.redirect_stdout(buffer):
        begun.clear()
        second = client.predictions.create("me/waits")
        begun.wait(5)
        print("from the program")
        go.set()
        for prediction in (first, second):
            assert prediction.wait().logs == "from the model", prediction.logs
    assert buffer.getvalue() == "from the program\\n", buffer.getvalue()
    client.run("me/waits")
    end = time.monotonic() + 5
    while sys.stdout is not usual and time.monotonic() < end:
        time.sleep(0.005)  # the thread of the model ends a little after its prediction
    assert sys.stdout is usual
"""


@pytest.mark.slow
def test_a_program_may_redirect_its_own_stream_meanwhile() -> None:
    # A program of its own, as the models of other tests may still run in this process.
    subprocess.run([sys.executable, "-c", REDIRECTING_PROGRAM], check=True, timeout=60)


def test_a_print_ends_a_model_that_was_canceled(local: LocalServer, call: Any) -> None:
    ended = threading.Event()

    @local.model("me/chatters")
    def chatters() -> str:
        try:
            while True:
                print(".", end="")
                time.sleep(0.002)
        finally:
            ended.set()

    prediction = call.create("me/chatters", {})
    call.until(prediction, lambda body: body["logs"])
    call.post(f"/v1/predictions/{prediction['id']}/cancel")
    assert ended.wait(5)


def test_a_program_without_streams_is_served_too(
    local: LocalServer, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.model("me/prints")(lambda: print("text"))
    monkeypatch.setattr(sys, "stdout", None)
    body = call.run("me/prints")
    assert (body["status"], body["logs"]) == ("succeeded", "text")


@pytest.mark.slow
def test_a_program_may_print_while_predictions_begin_and_end() -> None:
    # In CPython 3.10 to 3.13 it was killed by a segmentation fault.
    program = """
        import threading
        from replicate_sync.server import stdout_capture

        over = threading.Event()

        def predict():
            while not over.is_set():
                with stdout_capture.capture():
                    pass

        predictions = threading.Thread(target=predict)
        predictions.start()
        for _ in range(200):
            print("one", "line", flush=True)
        over.set()
        predictions.join()
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "one line\n" * 200
