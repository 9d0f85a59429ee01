"""Serving a gateway with waitress, until it is stopped."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..exceptions import InvalidInputError
from ..server.hosts import loopback
from .settings import GatewaySettings
from .work import OPEN_WORK

if TYPE_CHECKING:
    from flask import Flask

_THREADS = 256  # each request that is served occupies one
_CONNECTIONS = 2000
_BACKLOG = 1024
_STOP_TIMEOUT = 3.0  # seconds for what is running to be canceled


def serve(
    app: Flask,
    settings: GatewaySettings,
    port: int,
    *,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a gateway until KeyboardInterrupt.

    Args:
        app: What `create_app` returned.
        settings: Its settings.
        port: The port to listen on; 0 picks a free one.
        on_ready: Called with the base URL for clients, once it is served.

    Raises:
        ImportError: waitress is missing.
        InvalidInputError: Another address than this machine's needs a key.
        OSError: The port cannot be used.
    """
    if not settings.key and not loopback(settings.host):
        raise InvalidInputError(
            f"Anyone who reaches {settings.host} could run models here.",
            hint="Give the gateway a key for its clients.",
        )
    try:
        from waitress.server import create_server
    except ImportError:
        raise ImportError("The gateway needs waitress: pip install waitress") from None
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.create_server((settings.host, port), family=family, backlog=_BACKLOG) as listening:
        server: Any = create_server(
            app,
            sockets=[listening],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            backlog=_BACKLOG,
            asyncore_use_poll=True,
            channel_request_lookahead=1,  # so that it notices a client that leaves
            ident=None,
        )
        if on_ready is not None:
            host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
            on_ready(f"http://{host}:{listening.getsockname()[1]}/v1")
        # In a thread, so that an interrupt reaches the work before it reaches waitress.
        serving = threading.Thread(target=server.run, name="gateway", daemon=True)
        serving.start()
        try:
            serving.join()
        finally:
            app.extensions[OPEN_WORK].end(_STOP_TIMEOUT)
            server.close()
