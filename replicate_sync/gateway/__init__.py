"""A gateway: OpenAI's HTTP API in front of Replicate, for programs that speak only that.

    app = create_app(Replicate(), GatewaySettings())

`replicate-sync gateway` serves it. Needs the extra "gateway": Flask, and waitress, which serves it
in production. There is one module for each group of routes. What they share is here as well: who
may send a request (`access`), how errors look (`errors`), and how work is left when its client
leaves (`work`). Nothing here knows what a prediction is sent as; that is the client's.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("flask") is None:
    raise ImportError("The gateway needs Flask and waitress: pip install Flask waitress")

from .app import create_app
from .serving import serve
from .settings import GatewaySettings

__all__ = ["GatewaySettings", "create_app", "serve"]
