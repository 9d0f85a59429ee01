"""A window of calls in flight: the owner of concurrent.futures.

The threads are daemons, and not those of a ThreadPoolExecutor, which Python waits for when the
program ends: a thread that reads from a silent server would hold the program for minutes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from queue import SimpleQueue
from time import monotonic
from typing import Generic, TypeVar
from weakref import finalize

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
        self._calls: SimpleQueue[tuple[int, _Item, Future[_Result]] | None] = SimpleQueue()
        self._thread_count = 0
        # The threads end with the window.
        finalize(self, self._calls.put, None)
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
        self._calls.put(None)

    def _fill(self) -> bool:
        """Start what fits into the window; return False where nothing is left to yield."""
        self._running = {future for future in self._running if not future.done()}
        while self._has_room():
            try:
                position, item = next(self._items)
            except StopIteration:
                self._has_more = False
                break
            self._start(position, item)
        return bool(self._started)

    def _start(self, position: int, item: _Item) -> None:
        future: Future[_Result] = Future()
        self._started.append((position, future))
        self._running.add(future)
        self._calls.put((position, item, future))
        if self._thread_count < len(self._running):
            self._thread_count += 1
            start_thread(_make_calls, self._calls, self._work)

    def _has_room(self) -> bool:
        is_ahead = len(self._started) >= _MAX_AHEAD * self._size
        return self._has_more and len(self._running) < self._size and not is_ahead

    def _wait(self) -> None:
        wait(self._running, return_when=FIRST_COMPLETED)


def _make_calls(
    calls: SimpleQueue[tuple[int, _Item, Future[_Result]] | None],
    work: Callable[[int, _Item], _Result],
) -> None:
    """Make the calls of a window, in one of its threads, until it is closed."""
    while (call := calls.get()) is not None:
        position, item, future = call
        if future.set_running_or_notify_cancel():
            try:
                result = work(position, item)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
                del result
        del call, item, future  # not to be kept while the thread is idle
    calls.put(None)  # for the next thread


def start_thread(function: Callable[..., None], *arguments: object) -> threading.Thread:
    """Start a thread that does not keep the program from ending, and return it."""
    thread = threading.Thread(target=function, args=arguments, name="replicate-map", daemon=True)
    thread.start()
    return thread


def call_for_each(
    function: Callable[[_Item], None],
    items: Iterable[_Item],
    seconds: float | None,
    most_threads: int,
) -> None:
    """Call a function for each item, many at a time, and return when it is done.

    Args:
        function: The function; it raises nothing.
        items: The items, taken one by one.
        seconds: After this time no more calls are begun, and those in progress are not waited for.
        most_threads: How many calls are made at a time.
    """
    end = monotonic() + (threading.TIMEOUT_MAX / 2 if seconds is None else seconds)
    remaining = iter(items)
    lock = threading.Lock()

    def take() -> list[_Item]:
        with lock:
            return list(islice(remaining, 1))

    def call_from(taken: list[_Item]) -> None:
        while taken and monotonic() < end:
            function(taken[0])
            taken = take()

    threads: list[threading.Thread] = []
    while len(threads) < most_threads and monotonic() < end and (taken := take()):
        try:
            threads.append(start_thread(call_from, taken))
        except RuntimeError:  # the program ends, and Python starts no more threads
            call_from(taken)
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))


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
