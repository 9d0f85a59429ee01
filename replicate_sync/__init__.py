"""Run any model on Replicate from a plain script or a notebook cell, with no `await`.

    from replicate_sync import Replicate

    client = Replicate()                       # the token is in REPLICATE_API_TOKEN
    for text in client.chat("Say hello."):
        print(text, end="", flush=True)

`replicate_sync.local()` returns a client of a Replicate on this machine, for trying and testing
without token or network. The functions and resources of this module (`run`, `predictions`, …) are
those of a default client.

Every name is imported when it is first used: `import replicate_sync` imports nothing else.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from ._version import __version__

if TYPE_CHECKING:
    from .client import Replicate
    from .display.notebook import show
    from .exceptions import (
        AuthenticationError,
        ConnectionFailed,
        InputRejectedError,
        Interruption,
        InvalidAnswerError,
        InvalidInputError,
        JournalError,
        MapError,
        MissingAuthError,
        ModelNotFoundError,
        NotFoundError,
        OutputTypeError,
        PaymentRequiredError,
        PredictionCanceled,
        PredictionError,
        PredictionFailed,
        PredictionTimeout,
        RateLimitError,
        ReplicateError,
        ResponseError,
        ServerError,
        StreamError,
        UnexpectedDataError,
        UnknownModelError,
        WebhookError,
    )
    from .homepage import ReplicateHome
    from .offline import LocalReplicate
    from .payloads.file_output import FileOutput, ImageOutput
    from .polling import Polling, Retries
    from .prediction.prediction import Prediction
    from .prediction.training import Training
    from .resources.account import Account, Accounts
    from .resources.collections import Collection, Collections
    from .resources.deployments import Deployment, Deployments
    from .resources.files import File, Files
    from .resources.hardware import Hardware, HardwareList
    from .resources.models import Model, Models
    from .resources.predictions import Predictions
    from .resources.trainings import Trainings
    from .resources.versions import Version
    from .resources.webhooks import Webhooks

    # Bound to the default client, whose methods have the documentation.
    _client = Replicate()
    chat: Final = _client.chat
    map: Final = _client.map
    run: Final = _client.run
    search: Final = _client.search
    stream: Final = _client.stream
    use: Final = _client.use

    account: Accounts
    collections: Collections
    deployments: Deployments
    files: Files
    hardware: HardwareList
    models: Models
    predictions: Predictions
    trainings: Trainings
    webhooks: Webhooks

__all__ = [
    "Account",
    "AuthenticationError",
    "Collection",
    "ConnectionFailed",
    "Deployment",
    "File",
    "FileOutput",
    "Hardware",
    "ImageOutput",
    "InputRejectedError",
    "Interruption",
    "InvalidAnswerError",
    "InvalidInputError",
    "JournalError",
    "MapError",
    "MissingAuthError",
    "Model",
    "ModelNotFoundError",
    "NotFoundError",
    "OutputTypeError",
    "PaymentRequiredError",
    "Polling",
    "Prediction",
    "PredictionCanceled",
    "PredictionError",
    "PredictionEvent",
    "PredictionFailed",
    "PredictionTimeout",
    "RateLimitError",
    "Replicate",
    "ReplicateError",
    "ReplicateHome",
    "ResponseError",
    "Retries",
    "ServerError",
    "StreamError",
    "Training",
    "UnexpectedDataError",
    "UnknownModelError",
    "Usage",
    "Version",
    "WebhookError",
    "__version__",
    "account",
    "chat",
    "collections",
    "deployments",
    "files",
    "hardware",
    "local",
    "models",
    "predictions",
    "run",
    "search",
    "show",
    "stream",
    "trainings",
    "use",
    "webhooks",
]  # not "map": `from replicate_sync import *` must not hide Python's

# The modules of the names that are not exceptions.
_MODULES = {
    "Account": "resources.account",
    "Collection": "resources.collections",
    "Deployment": "resources.deployments",
    "File": "resources.files",
    "FileOutput": "payloads.file_output",
    "Hardware": "resources.hardware",
    "ImageOutput": "payloads.file_output",
    "Model": "resources.models",
    "Polling": "polling",
    "Prediction": "prediction.prediction",
    "PredictionEvent": "events",
    "Replicate": "client",
    "ReplicateHome": "homepage",
    "Retries": "polling",
    "Training": "prediction.training",
    "Usage": "prediction.usage",
    "Version": "resources.versions",
    "show": "display.notebook",
}
# What is the default client's.
_OF_THE_CLIENT = {
    "account",
    "chat",
    "collections",
    "deployments",
    "files",
    "hardware",
    "map",
    "models",
    "predictions",
    "run",
    "search",
    "stream",
    "trainings",
    "use",
    "webhooks",
}
# The modules that are used by their own names.
_PUBLIC_MODULES = {"exceptions", "server", "sse"}


@cache
def _default_client() -> Replicate:
    from .client import Replicate

    return Replicate()


def local(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    token: str = "r8_local",
    idle_timeout: float = 30.0,
    sync_status: Literal["succeeded", "processing"] = "succeeded",
    inline_files: bool = True,
) -> LocalReplicate:
    """Start a Replicate on this machine, and return a client of it. Needs the extra "server".

    The client is a context manager; the server stops at its end, at `close()`, or with the program.
    `client.server` is the `LocalServer`; `client.server.model("owner/name")` registers a function
    as a model.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        token: The token to accept.
        idle_timeout: After how many seconds without an event a stream is closed.
        sync_status: The status of a finished prediction in the response to `Prefer: wait`.
        inline_files: Whether small files are data URIs in that response.

    Returns:
        A client of that server.

    Raises:
        ImportError: Werkzeug or Jinja2 is missing.
        OSError: The port is taken.

    Examples:
        >>> with local() as client:
        ...     client.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
    """
    from .offline import LocalReplicate

    return LocalReplicate(
        host,
        port,
        token=token,
        idle_timeout=idle_timeout,
        sync_status=sync_status,
        inline_files=inline_files,
    )


def __getattr__(name: str) -> Any:
    if name in _OF_THE_CLIENT:
        value = getattr(_default_client(), name)
    elif name in _PUBLIC_MODULES:
        value = import_module(f".{name}", __name__)
    elif name in __all__:
        value = getattr(import_module(f".{_MODULES.get(name, 'exceptions')}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PUBLIC_MODULES})


if "IPython" in sys.modules:
    # A list of results, also one made by list(), displays its pictures in a notebook.
    for _kind in (list, tuple):
        import_module(".display.notebook", __name__).register_html(
            _kind, import_module(".display.gallery", __name__).side_by_side
        )
