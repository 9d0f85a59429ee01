"""Threads of predictions and of connections, used again for others: starting one takes long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

_IDLE_TIMEOUT = 10.0  # seconds after which a thread without work ends

Work: TypeAlias = Callable[[], None]
_Inbox: TypeAlias = "queue.SimpleQueue[Work | None]"


class WorkerThreads:
    """As many threads as there is work at a time, so that all of it begins at once."""

    def __init__(self) -> None:
        self._idle: list[_Inbox] = []
        self._closed = False
        self._lock = threading.Lock()

    def run(self, work: Work, name: str) -> None:
        """Call a function at once, in a thread of its own, which has this name meanwhile."""

        def named() -> None:
            threading.current_thread().name = name
            work()

        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            # The work is no argument of the thread, which would keep it as long as it lives.
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._work_on, args=(inbox,), name=name, daemon=True).start()
        inbox.put(named)

    def close(self) -> None:
        """End the threads that have no work, and each other one when its work is done."""
        with self._lock:
            self._closed = True
            idle = self._idle
            self._idle = []
        for inbox in idle:
            inbox.put(None)

    def reopen(self) -> None:
        """Keep threads again, after `close`."""
        with self._lock:
            self._closed = False

    def _work_on(self, inbox: _Inbox) -> None:
        work = inbox.get()
        while work is not None:
            work()
            del work  # and with it the prediction, which may be dropped
            threading.current_thread().name = "local-replicate-idle"
            with self._lock:
                if self._closed:
                    return
                self._idle.append(inbox)
            try:
                work = inbox.get(timeout=_IDLE_TIMEOUT)
            except queue.Empty:
                with self._lock:
                    if inbox in self._idle:
                        self._idle.remove(inbox)
                        return
                work = inbox.get()  # it was given work in this very moment
