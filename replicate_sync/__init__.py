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

import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

from ._version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .batch.runner import OnError
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
    from .payloads.messages import Messages
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
    from .resources.search import SearchResults
    from .resources.trainings import Trainings
    from .resources.versions import Version
    from .resources.webhooks import Webhooks

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
# The resources of the default client.
_RESOURCES = {
    "account",
    "collections",
    "deployments",
    "files",
    "hardware",
    "models",
    "predictions",
    "trainings",
    "webhooks",
}
# The modules that are used by their own names.
_PUBLIC_MODULES = {"exceptions", "server", "sse"}


@cache
def _default_client() -> Replicate:
    from .client import Replicate

    return Replicate()


def run(
    model: str,
    input: Mapping[str, Any] | None = None,
    *,
    wait: float | bool = 60,
    validate: bool | None = None,
    deadline: float | None = None,
    cancel_on_exit: bool = True,
    progress: bool = False,
) -> Any:
    """Block until a model has its result, and return that: `Replicate.run` on a default client.

    Args:
        model: See `Replicate.run`; likewise all other arguments.
        input: See there.
        wait: See there.
        validate: See there.
        deadline: See there.
        cancel_on_exit: See there.
        progress: See there.

    Raises:
        ReplicateError: See there.
    """
    return _default_client().run(
        model,
        input,
        wait=wait,
        validate=validate,
        deadline=deadline,
        cancel_on_exit=cancel_on_exit,
        progress=progress,
    )


def stream(
    model: str,
    input: Mapping[str, Any] | None = None,
    *,
    deadline: float | None = None,
    cancel_on_exit: bool = True,
) -> Generator[str, None, None]:
    """Yield a model's text as it is written: `Replicate.stream` on a default client.

    Args:
        model: See `Replicate.stream`; likewise all other arguments.
        input: See there.
        deadline: See there.
        cancel_on_exit: See there.

    Yields:
        Pieces of the text.

    Raises:
        ReplicateError: See there.
    """
    return _default_client().stream(model, input, deadline=deadline, cancel_on_exit=cancel_on_exit)


@overload
def chat(
    messages: Messages,
    model: str = ...,
    *,
    system_prompt: str | None = ...,
    max_tokens: int | None = ...,
    temperature: float | None = ...,
    top_p: float | None = ...,
    top_k: int | None = ...,
    stop: str | Sequence[str] | None = ...,
    seed: int | None = ...,
    reasoning_effort: str | None = ...,
    verbosity: str | None = ...,
    extra_data: Mapping[str, Any] | None = ...,
    schema: None = ...,
    deadline: float | None = ...,
    cancel_on_exit: bool = ...,
) -> Generator[str, None, None]: ...


@overload
def chat(
    messages: Messages,
    model: str = ...,
    *,
    system_prompt: str | None = ...,
    max_tokens: int | None = ...,
    temperature: float | None = ...,
    top_p: float | None = ...,
    top_k: int | None = ...,
    stop: str | Sequence[str] | None = ...,
    seed: int | None = ...,
    reasoning_effort: str | None = ...,
    verbosity: str | None = ...,
    extra_data: Mapping[str, Any] | None = ...,
    schema: object,
    deadline: float | None = ...,
    cancel_on_exit: bool = ...,
) -> Any: ...


def chat(
    messages: Messages,
    model: str = "",
    *,
    system_prompt: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    stop: str | Sequence[str] | None = None,
    seed: int | None = None,
    reasoning_effort: str | None = None,
    verbosity: str | None = None,
    extra_data: Mapping[str, Any] | None = None,
    schema: object = None,
    deadline: float | None = None,
    cancel_on_exit: bool = True,
) -> Any:
    """Yield a model's reply, or return its answer: `Replicate.chat` on a default client.

    Args:
        messages: See `Replicate.chat`; likewise all other arguments.
        model: See there; "" for the default model.
        system_prompt: See there.
        max_tokens: See there.
        temperature: See there.
        top_p: See there.
        top_k: See there.
        stop: See there.
        seed: See there.
        reasoning_effort: See there.
        verbosity: See there.
        extra_data: See there.
        schema: See there.
        deadline: See there.
        cancel_on_exit: See there.

    Returns:
        See there.

    Raises:
        ReplicateError: See there.
    """
    return _default_client().chat(
        messages,
        model,
        system_prompt=system_prompt,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        stop=stop,
        seed=seed,
        reasoning_effort=reasoning_effort,
        verbosity=verbosity,
        extra_data=extra_data,
        schema=schema,
        deadline=deadline,
        cancel_on_exit=cancel_on_exit,
    )


def map(
    model: str,
    inputs: Iterable[Mapping[str, Any]],
    *,
    concurrency: int = 8,
    ordered: bool = True,
    on_error: OnError = "raise",
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Generator[Any, None, None]:
    """Yield a model's result for each of many inputs: `Replicate.map` on a default client.

    Args:
        model: See `Replicate.map`; likewise all other arguments.
        inputs: See there.
        concurrency: See there.
        ordered: See there.
        on_error: See there.
        executor: See there.
        journal: See there.
        progress: See there.

    Yields:
        Results as `run` returns them.

    Raises:
        ReplicateError: See there.
    """
    return _default_client().map(
        model,
        inputs,
        concurrency=concurrency,
        ordered=ordered,
        on_error=on_error,
        executor=executor,
        journal=journal,
        progress=progress,
    )


def search(query: str, *, limit: int | None = None) -> SearchResults:
    """Return what Replicate finds for a text: `Replicate.search` on a default client.

    Args:
        query: See `Replicate.search`.
        limit: See there.
    """
    return _default_client().search(query, limit=limit)


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

    Raises:
        ImportError: Flask is missing.
        OSError: The port is taken.
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
    if name in _RESOURCES:
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
