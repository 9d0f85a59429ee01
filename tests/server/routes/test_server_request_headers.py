"""`Prefer` and `Cancel-After` mean what Replicate's documentation says."""

from __future__ import annotations

import pytest

from replicate_sync.server.routes.problems import APIError
from replicate_sync.server.routes.request_headers import (
    Wait,
    parse_cancel_after,
    parse_prefer,
)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("wait", Wait(60, "wait")),
        ("wait=1", Wait(1, "wait=1")),
        ("wait=60", Wait(60, "wait=60")),
        ("wait=61", Wait(60, "wait=60")),
        ("respond-async, wait=3", Wait(3, "wait=3")),
        ("wait; x=y", Wait(60, "wait")),
    ],
)
def test_a_wait_is_at_most_a_minute(header: str, wait: Wait) -> None:
    assert parse_prefer(header) == wait


@pytest.mark.parametrize(
    "header", [None, "", "wait=0", "waiting", "await", "respond-async", "wait=x"]
)
def test_any_other_preference_is_ignored(header: str | None) -> None:
    assert parse_prefer(header) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("5", 5),
        ("30s", 30),
        (" 5m ", 300),
        ("1h30m45s", 5445),
        ("2h", 7200),
        ("24h", 86400),
    ],
)
def test_a_duration_is_seconds(header: str | None, seconds: int | None) -> None:
    assert parse_cancel_after(header) == seconds


@pytest.mark.parametrize(
    "header", ["", "4", "4s", "24h1s", "25h", "soon", "-5", "5 m", "1m1h", "s"]
)
def test_any_other_duration_is_refused(header: str) -> None:
    with pytest.raises(APIError) as raised:
        parse_cancel_after(header)
    assert (raised.value.status, raised.value.body["title"]) == (422, "Invalid Cancel-After header")
