"""A window of calls in flight, in threads of its own.

The threads are daemons, and not those of a ThreadPoolExecutor, which Python waits for when the
program ends: a thread that reads from a silent server would hold the program for minutes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from time import monotonic
from typing import Generic, TypeVar
from weakref import finalize

from ..exceptions import ReplicateError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MAX_AHEAD = 8  # windows that finished results may be ahead of a slow one, where the order is kept


class Call(Generic[_Result]):
    """A call for one item. A `Future` costs more than all else here: it has a lock and a condition.

    Attributes:
        position: The position of the item.
        is_unwanted: Whether the window was stopped: it is not begun any more.
        has_ended: Whether the window has taken over how it ended.
        was_made: Whether it was begun before the window was stopped.
        error: What it has raised.
        result: What it has returned.
    """

    __slots__ = ("error", "has_ended", "is_unwanted", "position", "result", "was_made")

    result: _Result

    def __init__(self, position: int) -> None:
        self.position: int = position
        self.is_unwanted: bool = False
        self.was_made: bool = False
        self.has_ended: bool = False
        self.error: BaseException | None = None


class Window(Generic[_Item, _Result]):
    """Calls a function for each item in threads of its own, and yields the calls.

    Items are taken only as results are asked for, so they may come from a generator without an end.

    Args:
        work: Called with the position of an item, from 0, and the item.
        items: The items.
        size: How many calls are in flight at a time, if the system allows as many threads.
    """

    def __init__(
        self, work: Callable[[int, _Item], _Result], items: Iterable[_Item], size: int
    ) -> None:
        self._work = work
        self._items = iter(enumerate(items))
        self._size = size
        self._calls: SimpleQueue[tuple[Call[_Result], _Item] | None] = SimpleQueue()
        self._thread_count = 0
        # The threads end with the window.
        finalize(self, self._calls.put, None)
        self._ended: SimpleQueue[Call[_Result]] = SimpleQueue()
        self._completed: deque[Call[_Result]] = deque()  # taken from there, in that order
        self._running_count = 0
        # What is not yielded yet, by position, in the order of the items.
        self._started: dict[int, Call[_Result]] = {}
        self._has_more = True

    def in_order(self) -> Iterator[Call[_Result]]:
        """Yield each call when it has ended, in the items' order.

        Raises:
            ReplicateError: No thread can be started.
        """
        while self._fill():
            call = next(iter(self._started.values()))
            while not call.has_ended:
                self._wait()
                self._fill()
            del self._started[call.position]
            self._completed.clear()
            yield call

    def as_completed(self) -> Iterator[Call[_Result]]:
        """Yield each call when it has ended; raises as `in_order` does."""
        while self._fill():
            if not self._completed:
                self._wait()
            call = self._completed.popleft()
            del self._started[call.position]
            yield call

    def stop(self) -> None:
        """Take no more items; the calls in flight go on."""
        self._has_more = False
        for call in list(self._started.values()):
            call.is_unwanted = True

    def close(self) -> None:
        """Take no more items, and do not wait for the calls in flight."""
        self.stop()
        self._calls.put(None)

    def _fill(self) -> bool:
        """Start what fits into the window; return False where nothing is left to yield."""
        while not self._ended.empty():
            self._wait()
        while self._has_room():
            try:
                position, item = next(self._items)
            except StopIteration:
                self._has_more = False
                break
            self._start(position, item)
        return bool(self._started)

    def _start(self, position: int, item: _Item) -> None:
        call: Call[_Result] = Call(position)
        self._started[position] = call
        self._running_count += 1
        self._calls.put((call, item))
        if self._thread_count < self._running_count:
            self._add_thread()

    def _add_thread(self) -> None:
        """Start one more thread. Where the system allows no more, the window becomes smaller."""
        try:
            start_thread(_make_calls, self._calls, self._ended, self._work)
        except RuntimeError as error:
            if self._thread_count == 0:
                raise ReplicateError(
                    f"A map needs a thread, and none can be started: {error}.",
                    hint="Raise the limit of processes or memory, or start it before the program "
                    "ends.",
                ) from error
            self._size = self._thread_count
        else:
            self._thread_count += 1

    def _has_room(self) -> bool:
        is_ahead = len(self._started) >= _MAX_AHEAD * self._size
        return self._has_more and self._running_count < self._size and not is_ahead

    def _wait(self) -> None:
        """Wait until a call has ended."""
        call = self._ended.get()
        call.has_ended = True
        self._completed.append(call)
        self._running_count -= 1


def _make_calls(
    calls: SimpleQueue[tuple[Call[_Result], _Item] | None],
    ended: SimpleQueue[Call[_Result]],
    work: Callable[[int, _Item], _Result],
) -> None:
    """Make the calls of a window, in one of its threads, until it is closed."""
    while (next_call := calls.get()) is not None:
        call, item = next_call
        if not call.is_unwanted:
            call.was_made = True
            try:
                call.result = work(call.position, item)
            except BaseException as error:
                call.error = error
        ended.put(call)
        del next_call, call, item  # not to be kept while the thread is idle
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

    `atexit` is too late for that. Where Python has no such hook, or the main thread has ended,
    nothing is called.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with suppress(RuntimeError):
            register(function)
