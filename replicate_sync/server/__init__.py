"""A Replicate on this machine: the same HTTP API on 127.0.0.1, with stand-ins and your functions.

    with LocalServer() as local:
        @local.model("me/greeter")
        def greet(name: str) -> str:
            return f"hello {name}"

        ...  # any client of Replicate, with base URL `local.url` and token `local.token`

Needs the extra "server": Werkzeug, Jinja2 for the pages, and Pillow for pictures.

What the API is about lives in this folder: models, jobs, files, and the rest of a server's state.
`routes` has the HTTP API, `cog` the Cog predictors behind it, `standins` the models that every
server has, and `testing` scripts, faults and the log of requests. Nothing here imports anything
else of the package: the server is an independent reading of the API's documentation.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("werkzeug") is None or find_spec("jinja2") is None:
    raise ImportError(
        "The local server needs Werkzeug, Jinja2 and Pillow: pip install Werkzeug Jinja2 Pillow"
    )

from . import standins as standins
from .cog.predictor import CogError
from .hosts import loopback
from .job_context import log, metric
from .local import LocalServer
from .models import Model, Registry, everywhere, model
from .schemas import Between

__all__ = [
    "Between",
    "CogError",
    "LocalServer",
    "Model",
    "Registry",
    "everywhere",
    "log",
    "loopback",
    "metric",
    "model",
]
