"""A host is this machine, or it is not."""

from __future__ import annotations

import pytest

from replicate_sync.server import loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine(host: str) -> None:
    assert loopback(host)


@pytest.mark.parametrize(
    "host", [None, "", "example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0", "::", "[::1]"]
)
def test_another_machine_or_no_host(host: str | None) -> None:
    assert not loopback(host)
