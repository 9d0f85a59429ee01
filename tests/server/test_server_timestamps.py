"""Timestamps are RFC 3339 in UTC, and no two items share one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from replicate_sync.server import timestamps

UTC = timezone.utc
NOON = datetime(2024, 4, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-04-22", datetime(2024, 4, 22, tzinfo=UTC)),
        ("2024-04-22T12:00", NOON),
        ("2024-04-22 12:00:00", NOON),
        (" 2024-04-22t12:00:00z ", NOON),
        ("2024-04-22T12:00:00.5Z", NOON + timedelta(microseconds=500_000)),
        ("2024-04-22T12:00:00.123456789Z", NOON + timedelta(microseconds=123_456)),
        ("2024-04-22T14:30:00+02:30", NOON),
        ("2024-04-22T14:30:00 02:30", NOON),  # a plus in a query string that was not escaped
        ("2024-04-22T09:30:00-0230", NOON),
    ],
)
def test_iso_8601_is_parsed(text: str, moment: datetime) -> None:
    assert timestamps.parse(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2024-04", "2024-04-22T", "2024-13-22", "1"])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"date or time|month"):
        timestamps.parse(text)


@pytest.mark.parametrize(
    ("microseconds", "full", "trimmed"),
    [
        (0, "2024-04-22T12:00:00.000000Z", "2024-04-22T12:00:00Z"),
        (120_300, "2024-04-22T12:00:00.120300Z", "2024-04-22T12:00:00.1203Z"),
        (7, "2024-04-22T12:00:00.000007Z", "2024-04-22T12:00:00.000007Z"),
    ],
)
def test_a_timestamp_has_all_or_only_the_needed_digits(
    microseconds: int, full: str, trimmed: str
) -> None:
    moment = NOON.replace(microsecond=microseconds).astimezone(timezone(timedelta(hours=2)))
    assert (timestamps.serialize(moment), timestamps.serialize_trimmed(moment)) == (full, trimmed)
    assert timestamps.parse(trimmed) == moment


def test_no_timestamp_stays_none() -> None:
    assert timestamps.serialize(None) is None
    assert timestamps.serialize_trimmed(None) is None


def test_no_two_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timestamps.now()
    monkeypatch.setattr(timestamps, "now", lambda: moment)
    first, second = timestamps.unique_now(), timestamps.unique_now()
    assert second - first == timedelta(microseconds=1)
