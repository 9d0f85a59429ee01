"""The official client's names, signatures and behaviour (1.0.7), on this package's engine.

    import replicate_sync.official as replicate

A program that was written for that client runs with this one line changed. Each module here bears
the name of one there, and says in its docstring where it behaves otherwise: what costs people
text, money or their token is not copied. Nothing here sends requests of its own, or parses event
streams; that is the client's. There are no functions for event loops, where
`await asyncio.to_thread(replicate.run, …)` does the same.

Examples:
    >>> import replicate_sync.official as replicate
    >>> replicate.run("replicate/hello-world", input={"text": "Alice"})
    'hello Alice'
"""

from __future__ import annotations

from typing import Any, Final

from .client import Client
from .collection import Collections
from .deployment import Deployments
from .file import Files
from .hardware import HardwareNamespace
from .model import Models
from .pagination import paginate
from .prediction import Predictions
from .resource import refuse_async
from .training import Trainings
from .webhook import Webhooks

default_client: Client = Client()

run: Final = default_client.run
stream: Final = default_client.stream

collections: Collections = default_client.collections
deployments: Deployments = default_client.deployments
files: Files = default_client.files
hardware: HardwareNamespace = default_client.hardware
models: Models = default_client.models
predictions: Predictions = default_client.predictions
trainings: Trainings = default_client.trainings
webhooks: Webhooks = default_client.webhooks

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
