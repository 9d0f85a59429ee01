"""What a model prints becomes the logs of its prediction; other threads print as before."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from . import job_context

_STREAMS = ("stdout", "stderr")
_lock = threading.Lock()
_capturing = 0  # how many threads have their prints captured now
# CPython's print() has no reference of its own to the stream that it writes to. If that were
# destroyed meanwhile, as the prediction of another thread ends, Python would crash.
_known: deque[_CapturingStream] = deque(maxlen=100)


@contextmanager
def capture() -> Iterator[None]:
    """Append what this thread prints to the logs of the prediction that it runs.

    Only `sys.stdout` and `sys.stderr` are replaced, and only while a prediction runs; a program
    that puts other streams there meanwhile keeps them. What is written to the file descriptors
    is not captured.
    """
    global _capturing
    with _lock:
        _capturing += 1
        for name in _STREAMS:
            stream = getattr(sys, name)
            if not isinstance(stream, _CapturingStream):
                setattr(sys, name, _stream_for(stream))
    try:
        yield
    finally:
        with _lock:
            _capturing -= 1
            if _capturing == 0:
                _restore()


def _stream_for(original: TextIO | None) -> _CapturingStream:
    """Return a stream that captures what is printed to another one, the same as before."""
    for known in _known:
        if known.original is original:
            return known
    stream = _CapturingStream(original)
    _known.append(stream)
    return stream


def _restore() -> None:
    # A stream that another part of the program has put aside and puts back later is restored when
    # the next prediction ends.
    for name in _STREAMS:
        stream = getattr(sys, name)
        if isinstance(stream, _CapturingStream):
            setattr(sys, name, stream.original)


class _CapturingStream:
    """A stream that passes what a prediction's thread writes to its logs."""

    def __init__(self, original: TextIO | None) -> None:
        self.original = original

    def write(self, text: str) -> int:
        if job_context.is_active():
            job_context.log(text, end="")
        elif self.original is not None:
            return self.original.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self.original is not None:
            self.original.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(cast(TextIO, self.original), name)
