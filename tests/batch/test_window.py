"""A window keeps so many calls in flight, and takes no more items than it needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from replicate_sync import ReplicateError
from replicate_sync.batch.window import Call, Window, call_on


def results(calls: Iterator[Call[int]]) -> list[tuple[int, int]]:
    return [(call.position, call.result) for call in calls]


def square(position: int, item: int) -> int:
    return item * item


@pytest.mark.parametrize("size", [1, 3, 50])
def test_each_item_is_called_with_its_position(size: int) -> None:
    expected = [(position, (10 + position) ** 2) for position in range(20)]
    assert results(Window(square, range(10, 30), size).in_order()) == expected
    as_completed = results(Window(square, range(10, 30), size).as_completed())
    assert sorted(as_completed) == expected


@pytest.mark.parametrize("ordered", [True, False])
def test_no_items_are_no_results(ordered: bool) -> None:
    window = Window(square, [], 3)
    assert results(window.in_order() if ordered else window.as_completed()) == []


@pytest.mark.parametrize("ordered", [True, False])
def test_a_system_that_allows_few_threads_makes_a_window_smaller(
    monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    start = threading.Thread.start
    allowed = 2
    started: list[threading.Thread] = []

    def start_few(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
    window = Window(square, range(20), 5)
    calls = window.in_order() if ordered else window.as_completed()
    assert sorted(results(calls)) == [(n, n * n) for n in range(20)]
    window = Window(square, range(20), 5)
    with pytest.raises(ReplicateError, match="none can be started: can't start new thread"):
        next(window.in_order())


def test_an_error_is_in_its_call() -> None:
    def divide(position: int, item: int) -> int:
        return 1 // item

    window = Window(divide, [1, 0, 1], 2)
    errors = [call.error for call in window.in_order()]
    assert [type(error) for error in errors] == [type(None), ZeroDivisionError, type(None)]


def test_results_that_wait_for_a_slow_one_do_not_run_ahead_without_end() -> None:
    is_slow_done = threading.Event()
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            if number == 15:
                is_slow_done.set()
            yield number

    def wait_for_first(position: int, item: int) -> int:
        if item == 0:
            is_slow_done.wait(10)
        return item

    window = Window(wait_for_first, items(), 2)
    assert next(window.in_order()).result == 0
    assert is_slow_done.is_set()
    assert len(taken) == 16  # eight windows of two
    window.close()


def test_after_a_stop_the_calls_in_flight_end_and_no_more_are_started() -> None:
    may_end = threading.Event()
    started: list[int] = []

    def wait(position: int, item: int) -> int:
        started.append(item)
        if item > 0:
            may_end.wait(10)
        return item

    window = Window(wait, range(100), 3)
    calls = window.in_order()
    assert next(calls).position == 0
    window.stop()
    may_end.set()
    assert [call.position for call in calls if call.was_made] == started[1:]
    assert len(started) <= 4


def test_closing_waits_for_nothing() -> None:
    may_end = threading.Event()

    def wait(position: int, item: int) -> int:
        if item > 0:
            may_end.wait(10)
        return item

    window = Window(wait, range(100), 3)
    assert next(window.in_order()).position == 0
    window.close()
    may_end.set()


def test_a_call_on_an_executor_returns_its_result() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert call_on(executor, abs, -5) == 5
        with pytest.raises(TypeError):
            call_on(executor, abs, "x")
