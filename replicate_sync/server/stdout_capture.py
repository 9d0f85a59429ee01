"""What a model function prints: it goes to the logs of its prediction, and what other threads print goes where it went."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from . import job_context

_NAMES = ("stdout", "stderr")
_lock = threading.Lock()
_inside = 0  # threads whose prints are captured now


@contextmanager
def captured() -> Iterator[None]:
    """Let what this thread prints become the logs of the prediction it runs, by `print`, `warnings` and the like.

    Only `sys.stdout` and `sys.stderr` are stood in for, and only while a prediction runs; a program that puts other
    streams there meanwhile keeps them. What is written past them, to the file descriptors, is not seen here.
    """
    global _inside
    with _lock:
        _inside += 1
        for name in _NAMES:
            if not isinstance(getattr(sys, name), _Fork):
                setattr(sys, name, _Fork(getattr(sys, name)))
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            for name in _NAMES:
                # One that another part of the program had put aside, and back later, goes with the next that ends.
                if _inside == 0 and isinstance(fork := getattr(sys, name), _Fork):
                    setattr(sys, name, fork.usual)


class _Fork:
    """A stream that gives what a model's thread writes to its prediction, and all else to the usual stream."""

    def __init__(self, usual: TextIO | None) -> None:
        self.usual = usual

    def write(self, text: str) -> int:
        if job_context.here():
            job_context.log(text, end="")
            return len(text)
        return self.usual.write(text) if self.usual is not None else len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self.usual is not None:
            self.usual.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(cast(TextIO, self.usual), name)
