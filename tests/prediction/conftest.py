"""Programs in processes of their own, which start at once as the package is imported for all."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

# Imports the package once. Then forks for each program that arrives with its three standard files.
# The program is run by the top level of the fork, so that it ends as any Python program does.
_STARTER = """
import json, os, signal, socket, sys
import IMPORTS
signal.signal(signal.SIGINT, signal.default_int_handler)
orders = socket.socket(fileno=int(sys.argv[1]))
program = None
while program is None:
    message, files, _, _ = socket.recv_fds(orders, 65536, 3)
    if not message:
        sys.exit()
    order = json.loads(message)
    if "program" not in order:
        status = os.waitpid(order["pid"], 0)[1]
        orders.send(str(os.waitstatus_to_exitcode(status)).encode())
        continue
    pid = os.fork()
    if pid == 0:
        program = order["program"]
    else:
        orders.send(str(pid).encode())
    for number, file in enumerate(files):
        if pid == 0:
            os.dup2(file, number)
        os.close(file)
orders.close()
sys.argv[1:] = order["arguments"]
exec(program)
"""
_IMPORTS = (
    "requests, tenacity, replicate_sync.batch.runner, replicate_sync.client, "
    "replicate_sync.resources.files"
)
_MAX_SECONDS = 20.0  # that a program may run


class Program:
    """A program that runs."""

    def __init__(self, starter: ProgramStarter, pid: int, files: list[int]) -> None:
        self._starter = starter
        self.pid = pid
        self.stdin = os.fdopen(files[0], "w")
        self.stdout = os.fdopen(files[1])
        self.stderr = os.fdopen(files[2])
        self._watchdog = threading.Timer(_MAX_SECONDS, self._kill)
        self._watchdog.start()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.kill(self.pid, signal.SIGINT)

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return the exit status and what was written to stderr."""
        self.stdin.close()
        errors = self.stderr.read()
        status = int(self._starter.send({"pid": self.pid}))
        self._watchdog.cancel()
        self.stdout.close()
        self.stderr.close()
        return status, errors

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class ProgramStarter:
    """Starts programs."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _STARTER.replace("IMPORTS", _IMPORTS), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )

    def send(self, order: dict[str, object], files: tuple[int, ...] = ()) -> bytes:
        """Send an order, and return the response."""
        socket.send_fds(self._orders, [json.dumps(order).encode()], files)
        return self._orders.recv(64)

    def start(self, program: str, *arguments: str) -> Program:
        """Start a program, given as its source."""
        pipes = [os.pipe() for _ in range(3)]
        theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        ours = [pipes[0][1], pipes[1][0], pipes[2][0]]
        pid = int(self.send({"program": program, "arguments": arguments}, theirs))
        for file in theirs:
            os.close(file)
        return Program(self, pid, ours)

    def close(self) -> None:
        """End the starter."""
        self._orders.close()
        self._process.wait()


@pytest.fixture(scope="module")
def programs() -> Iterator[ProgramStarter]:
    """Start programs in processes of their own."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    starter = ProgramStarter()
    yield starter
    starter.close()
