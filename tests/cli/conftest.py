"""Local servers that the command finds in its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from replicate_sync.server import LocalServer


@pytest.fixture(scope="session")
def shared_server() -> Iterator[LocalServer]:
    """Return a server for all tests that do not ask what the account has."""
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """Return a server whose account may have predictions of other tests."""
    point_to(shared_server, monkeypatch)
    return shared_server


@pytest.fixture
def fresh_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """Return a server whose account has no predictions."""
    with LocalServer() as server:
        point_to(server, monkeypatch)
        yield server


def point_to(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the command use a server."""
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
