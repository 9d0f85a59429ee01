"""The processes of a benchmark: the server, and a worker for each peer, ordered line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

ROOT = str(Path(__file__).parent.parent)

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_EXIT_TIMEOUT = 5.0  # seconds

_Self = TypeVar("_Self", bound="Process")


def environment() -> dict[str, str]:
    """Return this process's environment without what changes how a client behaves."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in _PROXIES and not name.startswith(("REPLICATE_", "PYTHON"))
    }


class Process:
    """A program of this package that responds to each line with one.

    Args:
        python: The path of the Python that runs it.
        arguments: The module, and its arguments.
    """

    def __init__(self, python: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(),
        )

    def read_line(self) -> str:
        """Return the next line that it writes.

        Raises:
            RuntimeError: It has ended.
        """
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"A process of the benchmark has ended: {self._process.args!r}; its error is above."
            )
        return line.rstrip("\n")

    def request(self, order: object = None) -> Any:
        """Return its response to an order, both of them JSON."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self.read_line())

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(_EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Server(Process):
    """The server of the benchmark; `url` is its origin."""

    def __init__(self) -> None:
        super().__init__(sys.executable, "benchmarks.server")
        self.url = self.read_line()


class Worker(Process):
    """A process that does tasks with one peer.

    Args:
        python: The path of the Python that has the peer.
        peer: The peer.
        url: The origin of the server.
    """

    def __init__(self, python: str, peer: str, url: str) -> None:
        super().__init__(python, "benchmarks.worker", peer, url)
