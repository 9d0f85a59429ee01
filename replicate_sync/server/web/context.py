"""What the pages know of the server that they belong to."""

from __future__ import annotations

from typing import Protocol

from ..routes.context import ServerContext
from ..testing.faults import Faults
from ..testing.request_log import RequestLog


class WebContext(ServerContext, Protocol):
    """A server as far as its pages need it; `LocalServer` says what the attributes mean."""

    requests: RequestLog
    faults: Faults

    @property
    def origin(self) -> str:
        """Scheme, host and port."""

    @property
    def url(self) -> str:
        """The base URL of the API."""
