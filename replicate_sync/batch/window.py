"""A window of calls in flight: the owner of concurrent.futures."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MAX_AHEAD = 8  # windows that finished results may be ahead of a slow one, where the order is kept


class Window(Generic[_Item, _Result]):
    """Calls a function for each item in threads of its own, and yields the futures.

    Items are taken only as results are asked for, so they may come from a generator without an end.

    Args:
        work: Called with the position of an item, from 0, and the item.
        items: The items.
        size: How many calls are in flight at a time.
    """

    def __init__(
        self, work: Callable[[int, _Item], _Result], items: Iterable[_Item], size: int
    ) -> None:
        self._work = work
        self._items = iter(enumerate(items))
        self._size = size
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="replicate-map")
        self._started: deque[tuple[int, Future[_Result]]] = deque()
        self._running: set[Future[_Result]] = set()
        self._has_more = True
        self._lock = threading.Lock()

    def in_order(self) -> Iterator[tuple[int, Future[_Result]]]:
        """Yield the position and the future of each item when it is done, in the items' order."""
        while self._fill():
            position, future = self._started[0]
            while not future.done():
                self._wait()
                self._fill()
            self._started.popleft()
            yield position, future

    def as_completed(self) -> Iterator[tuple[int, Future[_Result]]]:
        """Yield the position and the future of each item when it is done."""
        while self._fill():
            done = [(position, future) for position, future in self._started if future.done()]
            if not done:
                self._wait()
            for item in done:
                self._started.remove(item)
                yield item

    def stop(self) -> None:
        """Take no more items; the calls in flight go on."""
        with self._lock:
            self._has_more = False
        for _, future in self._started:
            future.cancel()

    def close(self) -> None:
        """Take no more items, and do not wait for the calls in flight."""
        self.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fill(self) -> bool:
        """Start what fits into the window; return False where nothing is left to yield."""
        self._running = {future for future in self._running if not future.done()}
        while self._has_room():
            try:
                position, item = next(self._items)
            except StopIteration:
                self._has_more = False
                break
            future = self._threads.submit(self._work, position, item)
            self._started.append((position, future))
            self._running.add(future)
        return bool(self._started)

    def _has_room(self) -> bool:
        is_ahead = len(self._started) >= _MAX_AHEAD * self._size
        return self._has_more and len(self._running) < self._size and not is_ahead

    def _wait(self) -> None:
        wait(self._running, return_when=FIRST_COMPLETED)


def call_on(executor: Executor, function: Callable[[_Item], _Result], argument: _Item) -> _Result:
    """Return what a call returns on another executor, which may be on another machine."""
    return executor.submit(function, argument).result()


def call_at_exit(function: Callable[[], None]) -> None:
    """Call a function when the program ends, before the threads of executors are waited for.

    `atexit` is too late for that. Where Python has no such hook, nothing is called.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(function)
