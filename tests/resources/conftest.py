"""A local Replicate for the tests of the resources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import replicate_sync
from replicate_sync import Polling, Replicate
from replicate_sync.offline import LocalReplicate


@pytest.fixture(scope="module")
def local() -> Iterator[LocalReplicate]:
    """Return a client with a server of its own."""
    with replicate_sync.local() as client:
        yield client


@pytest.fixture
def local_client(local: LocalReplicate) -> Replicate:
    """Return a client of the local server that polls quickly."""
    server = local.server
    return Replicate(server.token, base_url=server.url, polling=Polling(1000, 0.01), proxy="")
