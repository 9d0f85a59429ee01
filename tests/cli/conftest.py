"""A local server that the command finds in its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from replicate_sync.server import LocalServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """Return the server."""
    with LocalServer() as server:
        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server
