"""The processes of a bench: the server, and a worker for each peer, told what to do line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

_Any = TypeVar("_Any", bound="Process")
ROOT = str(Path(__file__).parent.parent)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment() -> dict[str, str]:
    """Give this process's environment without what changes a client's ways."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in _PROXIES and not name.startswith(("REPLICATE_", "PYTHON"))
    }


class Process:
    """A program of this package that answers each line with one."""

    def __init__(self, python: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(),
        )

    def told(self) -> str:
        """Give the next line that it writes."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A process of the bench has ended: {self._process.args!r}; its error is above.")
        return line.rstrip("\n")

    def asked(self, order: Any = None) -> Any:
        """Give its answer to an order."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self.told())

    def __enter__(self: _Any) -> _Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Server(Process):
    """The loopback server; `url` is its origin."""

    def __init__(self) -> None:
        super().__init__(sys.executable, "benchmarks.server")
        self.url = self.told()


class Worker(Process):
    """A process that does works with one peer."""

    def __init__(self, python: str, peer: str, url: str) -> None:
        super().__init__(python, "benchmarks.worker", peer, url)
