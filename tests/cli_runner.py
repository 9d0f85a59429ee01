"""How the tests run the command: in this process, or in a process of its own where that matters."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from click.testing import CliRunner, Result

from replicate_sync import Replicate
from replicate_sync.cli import main

#: For tests with `ctrl_c_when`: an interrupt may fall between the making of a socket and the code
#: that closes it, which is the interpreter's to clean up.
interrupted = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

_LONGEST_END = 10  # seconds from Ctrl-C to the end of a command


def invoke(*words: object, input: str | bytes | None = None, **options: Any) -> Result:
    """Run the command in this process, with stdout and stderr apart; a traceback is a failure."""
    try:
        runner = CliRunner(mix_stderr=False)  # type: ignore[call-arg]  # click below 8.2
    except TypeError:
        runner = CliRunner()
    with _log_of_earlier_threads_dropped():
        result = runner.invoke(main, [str(word) for word in words], input=input, **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextmanager
def _log_of_earlier_threads_dropped() -> Iterator[None]:
    """Keep what a thread of an earlier test still logs out of what the command writes."""
    earlier = set(threading.enumerate()) - {threading.current_thread()}

    def is_of_command(record: logging.LogRecord) -> bool:
        # The number of a thread that has ended may be that of a new one.
        return record.thread not in {thread.ident for thread in earlier if thread.is_alive()}

    logger = logging.getLogger("replicate_sync")
    logger.addFilter(is_of_command)
    try:
        yield
    finally:
        logger.removeFilter(is_of_command)


def start(*words: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "replicate_sync", *map(str, words)]
    streams: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    return subprocess.Popen(command, text=True, **{**streams, **options})


def wait_until(condition: Callable[[], object], seconds: float = 15) -> bool:
    """Wait for a condition, and return whether it came."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def ctrl_c_when(condition: Callable[[], object]) -> Iterator[None]:
    """Interrupt the main thread, as Ctrl-C does, as soon as a condition holds.

    It is interrupted in any case, so that a test fails and does not wait for ever.

    What the command would import late is imported before: a module whose import was interrupted
    may be broken for the tests that follow in this process.
    """
    import_module("tenacity")
    import_module("sseclient")
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    has_left = threading.Event()
    problems: list[str] = []

    def interrupt() -> None:
        try:
            if not wait_until(lambda: has_left.is_set() or condition()):
                problems.append("the condition did not come")
        except Exception as error:
            problems.append(f"the condition cannot be asked for: {error!r}")
        while not has_left.is_set():
            signal.pthread_kill(main_thread, signal.SIGINT)
            if not has_left.wait(_LONGEST_END):
                problems.append("the command went on after Ctrl-C")

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        has_left.set()
        thread.join()
    assert problems == [], problems


def statuses() -> list[str]:
    """Return the statuses of the account's predictions, the newest first."""
    with Replicate() as client:
        return [prediction.status for prediction in client.predictions.list()]
