"""A transport of a scripted server, for what is not seen through a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import TOKEN, Wire

from replicate_sync import Retries
from replicate_sync.http.config import ApiConfig
from replicate_sync.http.transport import Transport


@pytest.fixture
def transport_of() -> Callable[..., Transport]:
    """Return a function that makes quick transports of a server."""

    def make(server: Wire, **options: Any) -> Transport:
        settings: dict[str, Any] = {"retries": Retries(first=0.01, ceiling=0.02), "timeout": 5}
        return Transport(ApiConfig(server.url, TOKEN), **{**settings, **options})

    return make
