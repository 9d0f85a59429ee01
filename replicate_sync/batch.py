"""Many calls at a time, a window of them in flight: the owner of concurrent.futures."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_AHEAD = 8  # windows: how far finished results may run ahead of one that is slow, where the order is kept


class Window(Generic[_Item, _Result]):
    """Calls `work` for each item in threads of its own, `size` at a time, and gives the futures as they are due.

    Items are taken only as results are asked for, so they may come from a generator that never ends.
    """

    def __init__(self, work: Callable[[int, _Item], _Result], items: Iterable[_Item], size: int) -> None:
        self._work = work
        self._items = iter(enumerate(items))
        self._size = size
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="replicate-map")
        self._due: deque[tuple[int, Future[_Result]]] = deque()
        self._running: set[Future[_Result]] = set()
        self._more = True
        self._lock = threading.Lock()

    def in_order(self) -> Iterator[tuple[int, Future[_Result]]]:
        """Yield position and future of each item in the order of the items, when it is done."""
        while self._fill():
            position, future = self._due[0]
            while not future.done():
                self._wait()
                self._fill()
            self._due.popleft()
            yield position, future

    def as_they_come(self) -> Iterator[tuple[int, Future[_Result]]]:
        """Yield position and future of each item when it is done."""
        while self._fill():
            done = [(position, future) for position, future in self._due if future.done()]
            if not done:
                self._wait()
            for each in done:
                self._due.remove(each)
                yield each

    def stop(self) -> None:
        """Take no more items; what runs goes on."""
        with self._lock:
            self._more = False
        for _, future in self._due:
            future.cancel()

    def close(self) -> None:
        """Take no more items, and do not wait for what runs."""
        self.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fill(self) -> bool:
        """Start what fits into the window; False where nothing is left."""
        self._running = {future for future in self._running if not future.done()}
        while self._more and len(self._running) < self._size and len(self._due) < _AHEAD * self._size:
            try:
                position, item = next(self._items)
            except StopIteration:
                self._more = False
                break
            future = self._threads.submit(self._work, position, item)
            self._due.append((position, future))
            self._running.add(future)
        return bool(self._due)

    def _wait(self) -> None:
        wait(self._running, return_when=FIRST_COMPLETED)


def elsewhere(executor: Executor, call: Callable[..., _Result], *arguments: Any) -> _Result:
    """Give what a call gives on another executor, which may be on another machine."""
    return executor.submit(call, *arguments).result()


def at_the_end(call: Callable[[], None]) -> None:
    """Call this when the program ends, before it waits for the threads of its executors.

    `atexit` is too late for that: those threads are joined first. Where Python has no such place, nothing is called.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(call)
