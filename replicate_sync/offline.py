"""A client with a Replicate of its own, on this machine."""

from __future__ import annotations

import atexit
from typing import Any

from .client import Replicate
from .server import LocalServer


class LocalReplicate(Replicate):
    """A client of a server started in this process; both end at `close()`, or with the program."""

    def __init__(self, **options: Any) -> None:
        self.server = LocalServer(**options).start()
        atexit.register(self.server.stop)
        super().__init__(self.server.token, base_url=self.server.url, proxy="")

    def close(self) -> None:
        """Close the connections and stop the server."""
        super().close()
        self.server.stop()
        atexit.unregister(self.server.stop)
