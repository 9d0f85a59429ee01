"""The official client's names, signatures and behaviour (1.0.7), on this package's engine.

    import replicate_sync.official as replicate

A program that was written for that client runs with this one line changed. Each module here bears
the name of one there, and says in its docstring where it behaves otherwise: what costs people
text, money or their token is not copied. Nothing here sends requests of its own, or parses event
streams; that is the client's. There are no functions for event loops, where
`await asyncio.to_thread(replicate.run, …)` does the same.
"""

from __future__ import annotations

from typing import Any

from .client import Client
from .pagination import paginate
from .resource import refuse_async

default_client: Client = Client()

run = default_client.run
stream = default_client.stream

collections = default_client.collections
deployments = default_client.deployments
files = default_client.files
hardware = default_client.hardware
models = default_client.models
predictions = default_client.predictions
trainings = default_client.trainings
webhooks = default_client.webhooks

__all__ = [
    "Client",
    "collections",
    "default_client",
    "deployments",
    "files",
    "hardware",
    "models",
    "paginate",
    "predictions",
    "run",
    "stream",
    "trainings",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    refuse_async(f"module {__name__!r}", "replicate", name)
