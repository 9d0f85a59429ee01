"""Fixtures for pytest: a new local Replicate for each test, and a client of it.

pytest finds them where this package is installed. Nothing is patched: the code under test is led
to the server by the two environment variables that it reads anyway, so code that uses another
client of Replicate is served as well.

    def test_a_summary_is_short(replicate_server):
        replicate_server.script("meta/meta-llama-3-70b-instruct", tokens=["In", " short."])
        assert summary_of("a long text") == "In short."
        assert replicate_server.requests.to("POST *")[-1].json["input"]["prompt"].endswith("text")
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .client import Replicate
    from .server import LocalServer

_PORT = pytest.StashKey[int]()


@pytest.fixture
def replicate_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalServer]:
    """A local Replicate of this test's own: `script` its models, set `faults`, read `requests`.

    REPLICATE_BASE_URL and REPLICATE_API_TOKEN lead to it while the test runs. With another client
    that reads neither, use `replicate_server.url` and `.token`.
    """
    try:
        # Late, as pytest loads this module in every project.
        from .server import LocalServer
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    server = _start(LocalServer, request.config.stash)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    with server:
        yield server


@pytest.fixture
def replicate_client(replicate_server: LocalServer) -> Iterator[Replicate]:
    """A client of `replicate_server`, which polls often and retries almost at once."""
    from .client import Replicate
    from .polling import Polling, Retries

    with Replicate(
        replicate_server.token,
        base_url=replicate_server.url,
        proxy="",
        polling=Polling(attempts=600, delay=0.05),
        retries=Retries(first=0.01, ceiling=0.02),
    ) as client:
        yield client


def _start(server_class: type[LocalServer], stash: pytest.Stash) -> LocalServer:
    # On the same port for every test, as a program may keep a client of the test before.
    try:
        server = server_class(port=stash.get(_PORT, 0)).start()
    except OSError:  # somebody else has taken it meanwhile
        server = server_class().start()
    stash[_PORT] = server.port
    return server
