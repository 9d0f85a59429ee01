"""The API's clock is known as well as the dates of its responses tell it."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import StartWire, response

from replicate_sync.http.clock import ServerClock


def same(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("date", "is_known"),
    [("Thu, 01 Jan 2099 00:00:00 GMT", True), ("nonsense", False), (None, False)],
)
def test_it_is_read_from_the_responses(
    wire: StartWire, transport_of: Any, date: str | None, is_known: bool
) -> None:
    headers = {} if date is None else {"Date": date}
    transport = transport_of(wire(lambda r: [response({}, **headers)]))
    assert not transport.clock.is_known
    now = time.monotonic()
    assert transport.clock.earliest(now) == pytest.approx(time.time(), abs=1)
    assert transport.clock.latest(now) == pytest.approx(time.time(), abs=1)
    transport.request("GET", "/x", build=same)
    assert transport.clock.is_known == is_known
    assert (transport.clock.earliest(now) > 4e9) == is_known


@pytest.mark.slow
@given(
    ahead=st.floats(-1e6, 1e6),
    exchanges=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3), st.floats(0, 1)), min_size=1),
)
@settings(max_examples=50, deadline=None)
def test_the_true_time_is_always_within_the_bounds(
    ahead: float, exchanges: list[tuple[float, float, float]]
) -> None:
    clock = ServerClock()
    now = 2e9
    width = float("inf")
    for pause, duration, part in exchanges:
        sent_at = now + pause
        now = sent_at + duration
        date = formatdate(int(sent_at + part * duration + ahead), usegmt=True)
        clock.dates.append((date, sent_at, now))
        assert clock.earliest(now) <= now + ahead <= clock.latest(now)
        assert clock.latest(now) - clock.earliest(now) <= width + 1e-3
        width = clock.latest(now) - clock.earliest(now)


def test_a_clock_that_was_set_makes_older_dates_worthless() -> None:
    clock = ServerClock()
    clock.dates.append((formatdate(2e9, usegmt=True), 2e9, 2e9))
    clock.dates.append((formatdate(2e9 + 500, usegmt=True), 2e9 + 1, 2e9 + 1))
    assert 400 < clock.earliest(0.0) < clock.latest(0.0) < 600


def test_what_is_long_ago_narrows_the_bounds_no_more() -> None:
    clock = ServerClock()
    clock.dates.append((formatdate(1000, usegmt=True), 0.9, 1.0))
    clock.dates.append((formatdate(5000, usegmt=True), 4000.0, 4001.5))
    assert clock.earliest(0.0) == pytest.approx(998.3)
    assert clock.latest(0.0) == pytest.approx(1001.2)


def test_a_clock_of_this_machine_that_is_set_moves_nothing(
    wire: StartWire, transport_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = transport_of(wire(lambda r: [response({}, Date=formatdate(2e9, usegmt=True))]))
    transport.request("GET", "/x", build=same)
    monkeypatch.setattr("replicate_sync.http.clock.time", lambda: 5.0)
    assert transport.clock.earliest(time.monotonic()) == pytest.approx(2e9, abs=3)
