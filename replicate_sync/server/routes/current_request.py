"""The request that is responded to, for what is called on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from werkzeug.local import LocalProxy

from .multipart_request import MultipartRequest

_current: ContextVar[MultipartRequest] = ContextVar("replicate_sync.request")
request: MultipartRequest = LocalProxy(_current)  # type: ignore[assignment]
"""The current request, each thread's own; there is one only while its response is made."""


@contextmanager
def responding_to(current: MultipartRequest) -> Iterator[None]:
    """Let a request be the current one, and close it afterwards."""
    token = _current.set(current)
    try:
        with current:
            yield
    finally:
        _current.reset(token)
