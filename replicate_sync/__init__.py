"""Run any model on Replicate from a plain script or a notebook cell, with no `await`.

    from replicate_sync import Replicate

    client = Replicate()                       # the token is in REPLICATE_API_TOKEN
    for text in client.chat("Say hello."):
        print(text, end="", flush=True)

`replicate_sync.local()` gives a client of a Replicate on this machine, for trying and testing without token or network.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, overload

from .version import __version__

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from . import server as server
    from .client import ImageModel, Replicate, RunOptions, TextModel
    from .errors import (
        AuthenticationError,
        ConnectionFailed,
        InvalidInputError,
        MapError,
        MissingAuthError,
        ModelNotFoundError,
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
        WebhookError,
    )
    from .files import FileOutput, ImageOutput
    from .homepage import ReplicateHome
    from .notebook import show
    from .offline import LocalReplicate
    from .polling import Polling, Retries
    from .predictions import Prediction
    from .trainings import Training

__all__ = [
    "AuthenticationError",
    "ConnectionFailed",
    "FileOutput",
    "ImageOutput",
    "InvalidInputError",
    "MapError",
    "MissingAuthError",
    "ModelNotFoundError",
    "PaymentRequiredError",
    "Polling",
    "Prediction",
    "PredictionCanceled",
    "PredictionError",
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
    "WebhookError",
    "__version__",
    "chat",
    "local",
    "run",
    "show",
    "stream",
]  # not "map": `from replicate_sync import *` must not hide Python's


# Where each name is; it is imported when it is first asked for, and what is not used costs nothing.
_PLACES = {
    "FileOutput": "files",
    "ImageOutput": "files",
    "Polling": "polling",
    "Prediction": "predictions",
    "Replicate": "client",
    "ReplicateHome": "homepage",
    "Retries": "polling",
    "Training": "trainings",
    "show": "notebook",
}


@cache
def _default() -> Replicate:
    return import_module(".client", __name__).Replicate()  # type: ignore[no-any-return]


@overload
def run(model: TextModel, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> str: ...


@overload
def run(model: ImageModel, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> list[FileOutput]: ...


@overload
def run(model: str, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Any: ...


def run(model: str, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Any:
    """Block until a model has its result, and give it: `Replicate.run` on a default client."""
    return _default().run(model, input, **options)


def stream(model: str, input: Mapping[str, Any] | None = None, **options: Any) -> Generator[str, None, None]:
    """Yield a model's text as it is written: `Replicate.stream` on a default client."""
    return _default().stream(model, input, **options)


def chat(messages: Any, model: str = "", **options: Any) -> Generator[str, None, None]:
    """Yield a language model's answer as it is written: `Replicate.chat` on a default client."""
    return _default().chat(messages, model, **options)


def map(model: str, inputs: Iterable[Mapping[str, Any]], **options: Any) -> Generator[Any, None, None]:
    """Yield a model's result for each of many inputs: `Replicate.map` on a default client."""
    return _default().map(model, inputs, **options)


def local(**options: Any) -> LocalReplicate:
    """Start a Replicate on this machine, and give a client of it; needs the extra "server".

    A context manager; the server stops at its end, at `close()`, or with the program. `client.server` is the
    `LocalServer`, `client.server.model("owner/name")` registers a function on it. `options`: those of `LocalServer`.
    """
    client: LocalReplicate = import_module(".offline", __name__).LocalReplicate(**options)
    return client


def __getattr__(name: str) -> Any:
    if name in __all__:
        found = getattr(import_module(f".{_PLACES.get(name, 'errors')}", __name__), name)
    elif not name.startswith("_") and find_spec(f".{name}", __name__):
        found = import_module(f".{name}", __name__)  # such as `server`, or `webhooks`
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if "IPython" in sys.modules:
    # A list of results, also one made by list(), shows its pictures in a notebook.
    for _kind in (list, tuple):
        import_module(".notebook", __name__).teach(_kind, import_module(".files", __name__).side_by_side)
