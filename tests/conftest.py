"""What every test has: no network beyond this machine, a token of nobody's, servers to talk to."""

from __future__ import annotations

import gc
import math
import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from wire import QUICK, TOKEN, MakeClient, StartWire, Wire

from replicate_sync import Polling, Replicate, Retries
from replicate_sync.prediction import lookup, own_ids

_VARIABLES = ("REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# As many values as the default suite takes for one test.
QUICK_VALUES = 4
_connect = socket.socket.connect

# Hundreds of modules are imported, and none of them is garbage.
gc.disable()

# A busy machine takes longer for an example than Hypothesis allows. `.ci/run` is thorough.
settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most values of a test with many of them to `.ci/run`, by marking them as slow."""
    tests: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("slow") is None:
            tests[item.nodeid.partition("[")[0]].append(item)
    for values in tests.values():
        step = math.ceil(len(values) / QUICK_VALUES)
        for number, item in enumerate(values):
            if number % step:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and never look at what the imports left."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    """Return what changes are made with that all tests of a file share: most tests are short."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", autouse=True)
def loopback_only(module_patch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""

    def connect(self: socket.socket, address: Any) -> None:
        is_internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if is_internet and address[0] not in ("127.0.0.1", "::1"):
            pytest.fail(f"a test has tried to reach the network: {address}")
        _connect(self, address)

    module_patch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="module", autouse=True)
def environment(module_patch: pytest.MonkeyPatch) -> None:
    """Set a token of nobody's, and remove the settings of the person who runs the tests."""
    for name in _VARIABLES:
        module_patch.delenv(name, raising=False)
        module_patch.delenv(name.lower(), raising=False)
    module_patch.setenv("REPLICATE_API_TOKEN", TOKEN)


@pytest.fixture(scope="module", autouse=True)
def quick_servers(module_patch: pytest.MonkeyPatch) -> None:
    """Let servers process a create at once."""
    module_patch.setattr(lookup, "PROCESSING_TIME", 0.15)


@pytest.fixture(autouse=True)
def predictions_of_their_own() -> None:
    """Let each test use ids of others."""
    own_ids.forget_all()


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
