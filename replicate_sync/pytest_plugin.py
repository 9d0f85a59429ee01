"""Fixtures for pytest: a Replicate on this machine, for each test a new one, and a client of it.

pytest finds them where this package is installed. Nothing is patched: the code under test is pointed at the server by
the two variables that it reads anyway, so code that uses another client of Replicate is served too.

    def test_a_summary_is_short(replicate_server):
        replicate_server.script("meta/meta-llama-3-70b-instruct", tokens=["In", " short."])
        assert summary_of("a long text") == "In short."
        assert replicate_server.requests.to("POST *")[-1].json["input"]["prompt"].endswith("a long text")
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .client import Replicate
    from .server import LocalServer

_PORT = pytest.StashKey[int]()


@pytest.fixture
def replicate_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A local Replicate of this test's own: `script` its models, set its `faults`, assert on its `requests`.

    REPLICATE_BASE_URL and REPLICATE_API_TOKEN lead to it while the test runs; with another client that reads neither,
    take `replicate_server.url` and `.token`.
    """
    try:
        local = import_module(".server", __package__).LocalServer
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    server: LocalServer = _started(local, request.config.stash)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    with server:
        yield server


@pytest.fixture
def replicate_client(replicate_server: LocalServer) -> Iterator[Replicate]:
    """A client of `replicate_server`, which tries again without a pause worth the name."""
    made, polling = import_module(".client", __package__), import_module(".polling", __package__)
    quick = {"polling": polling.Polling(attempts=600, delay=0.05), "retries": polling.Retries(first=0.01, ceiling=0.02)}
    with made.Replicate(replicate_server.token, base_url=replicate_server.url, proxy="", **quick) as client:
        yield client


def _started(local: type[LocalServer], stash: pytest.Stash) -> LocalServer:
    # On the same port for every test, as a program may keep a client that it made in the one before.
    try:
        server = local(port=stash.get(_PORT, 0)).start()
    except OSError:  # somebody else has taken it meanwhile
        server = local().start()
    stash[_PORT] = server.port
    return server
