"""A client with a local Replicate of its own."""

from __future__ import annotations

import atexit
from typing import Literal

from .client import Replicate
from .server import LocalServer


class LocalReplicate(Replicate):
    """A client of a server that runs in this process. Both end at `close()`, or with the program.

    The arguments are those of `LocalServer`; the server is `client.server`.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        token: The token to accept.
        idle_timeout: After how many seconds without an event a stream is closed.
        sync_status: The status of a finished prediction in the response to `Prefer: wait`.
        inline_files: Whether small files are data URIs in that response.

    Raises:
        OSError: The port is taken.

    Examples:
        >>> with LocalReplicate() as client:
        ...     client.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str = "r8_local",
        idle_timeout: float = 30.0,
        sync_status: Literal["succeeded", "processing"] = "succeeded",
        inline_files: bool = True,
    ) -> None:
        self.server: LocalServer = LocalServer(
            host,
            port,
            token=token,
            idle_timeout=idle_timeout,
            sync_status=sync_status,
            inline_files=inline_files,
        ).start()
        atexit.register(self.server.stop)
        super().__init__(self.server.token, base_url=self.server.url, proxy="")

    @property
    def _copied_class(self) -> type[Replicate]:
        return Replicate  # a copy does not end the server

    def close(self) -> None:
        """Close the connections and stop the server.

        Examples:
            >>> client = LocalReplicate()
            >>> client.close()
        """
        super().close()
        self.server.stop()
        atexit.unregister(self.server.stop)
