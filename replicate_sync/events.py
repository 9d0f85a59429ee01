"""What happens to predictions, as small records: for logs, metrics, spans and progress bars.

An example, of a prediction that is created while the API is busy, runs, and is saved:

    retried      POST /v1/predictions   attempt 1 failed, and is repeated after a pause
    created      p1                     the prediction exists
    queued       p1                     it waits for a machine
    started      p1                     it runs, by its status or its logs
    progress     p1   0.25              as often as its logs have a new percentage
    ended        p1   succeeded         with its metrics; "canceled" instead where it was canceled
    saved        p1   out/0-out-0.png   for each file
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

EventKind = Literal[
    "created", "queued", "started", "progress", "retried", "ended", "canceled", "saved"
]
_NO_METRICS: Mapping[str, Any] = MappingProxyType({})


class PredictionEvent(NamedTuple):
    """Something that has happened to a prediction, or to a request.

    Examples:
        >>> client = client.with_options(on_event=lambda event: print(event.kind))
        >>> client.run("replicate/hello-world", {"text": "Alice"})
        created
        started
        ended
        'hello Alice'
    """

    kind: EventKind
    #: When it was known here, in seconds since 1970.
    time: float
    #: The id of the prediction or training; "" for a request that is retried.
    id: str = ""
    #: "owner/name", or "" where it is not known.
    model: str = ""
    #: The status, such as "processing"; "" for a request.
    status: str = ""
    #: How far it is, from 0 to 1, by its logs; None where they do not say.
    progress: float | None = None
    #: The metrics of what has ended.
    metrics: Mapping[str, Any] = _NO_METRICS
    #: Why it failed, or why a request is retried; without the token.
    error: str = ""
    #: The request that is retried, such as "GET /v1/predictions/p1".
    request: str = ""
    #: The number of the attempt that failed, from 1.
    attempt: int = 0
    #: The seconds until the next attempt.
    pause: float = 0.0
    #: Where a file was saved.
    path: str = ""


Listener = Callable[[PredictionEvent], object]
