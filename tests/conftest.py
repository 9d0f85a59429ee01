"""What every test has: no network beyond this machine, a token of nobody's, servers to talk to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from wire import QUICK, TOKEN, MakeClient, StartWire, Wire

from replicate_sync import Polling, Replicate, Retries
from replicate_sync.prediction import lookup, own_ids

_VARIABLES = ("REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_connect = socket.socket.connect

# A busy machine takes longer for an example than Hypothesis allows.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""

    def connect(self: socket.socket, address: Any) -> None:
        is_internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if is_internet and address[0] not in ("127.0.0.1", "::1"):
            pytest.fail(f"a test has tried to reach the network: {address}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a token of nobody's, and remove the settings of the person who runs the tests."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)


@pytest.fixture(autouse=True)
def predictions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test use ids of others, and servers that process a create at once."""
    own_ids.forget_all()
    monkeypatch.setattr(lookup, "PROCESSING_TIME", 0.15)


@pytest.fixture
def wire() -> Iterator[StartWire]:
    """Return a function that starts servers of raw sockets."""
    servers: list[Wire] = []

    def start(respond: Any) -> Wire:
        servers.append(Wire(respond))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def quick_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients that are made without a policy poll often: a program does not wait 5 s then."""
    defaults = Replicate.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "polling", Polling(attempts=3000, delay=0.02))


@pytest.fixture
def client_of() -> MakeClient:
    """Return a function that makes quick clients of a server."""

    def make(server: Wire, **options: Any) -> Replicate:
        settings: dict[str, Any] = {
            "polling": QUICK,
            "retries": Retries(first=0.01, ceiling=0.02),
            "timeout": 5,
        }
        return Replicate(base_url=server.url, **{**settings, **options})

    return make
