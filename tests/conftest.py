"""What every test has: a network that ends at this machine, a token that is nobody's, and servers to talk to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wire import QUICK, TOKEN, Request, Step, Wire

from replicate_sync import Replicate, Retries

_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test reached for the network: {address}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of nobody's, and no setting of the person who runs the tests."""
    for name in ("REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)


@pytest.fixture
def wire() -> Iterator[Callable[[Callable[[Request], Any]], Wire]]:
    """Start servers of raw sockets that answer as the given function says."""
    servers: list[Wire] = []

    def start(answer: Callable[[Request], list[Step]]) -> Wire:
        servers.append(Wire(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def client_of() -> Callable[..., Replicate]:
    """Make a quick client of a wire."""

    def make(server: Wire, **options: Any) -> Replicate:
        settings: dict[str, Any] = {"polling": QUICK, "retries": Retries(first=0.01, ceiling=0.02), "timeout": 5}
        return Replicate(base_url=server.url, **{**settings, **options})

    return make
