"""The log of the requests that a server received, to assert on."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, overload

from werkzeug.datastructures import Headers

_MAX_REQUESTS = 10_000
_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, repr=False)
class LoggedRequest:
    """One request.

    Attributes:
        method: The HTTP method.
        path: The path, without the query.
        query: The parameters of the query.
        headers: The headers without the token; their names match in any case.
        body: The body, empty for an upload, and for a body of more than a megabyte.
        time: When it was received, in UTC.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    time: datetime

    @property
    def json(self) -> Any:
        """The body's JSON value; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.body[:200].decode(errors='replace')}>"


class RequestLog(Sequence[LoggedRequest]):
    """The requests of a server, oldest first: the last 10,000, and at most 64 MB of them."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...

    @overload
    def __getitem__(self, index: slice) -> list[LoggedRequest]: ...

    def __getitem__(self, index: int | slice) -> LoggedRequest | list[LoggedRequest]:
        """Return a request, such as `[-1]` for the last one, or some of them."""
        with self._lock:
            return list(self._requests)[index]

    def __len__(self) -> int:
        return len(self._requests)

    def __repr__(self) -> str:
        return repr(self[:])

    def to(self, pattern: str) -> list[LoggedRequest]:
        """Return the requests that a pattern matches.

        Args:
            pattern: Method, space and path, where `*` is any text, such as `POST */predictions`
                or `GET /v1/predictions/*`.
        """
        return [request for request in self[:] if matches(pattern, request.method, request.path)]

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._requests.clear()
            self._bytes = 0

    def add(self, request: LoggedRequest) -> None:
        """Add a request, and forget the oldest where there are too many."""
        with self._lock:
            self._requests.append(request)
            self._bytes += len(request.body)
            while len(self._requests) > _MAX_REQUESTS or self._bytes > _MAX_BYTES:
                self._bytes -= len(self._requests.popleft().body)


def matches(pattern: str, method: str, path: str) -> bool:
    """Return whether a pattern matches a request.

    Args:
        pattern: Method, space and path, where `*` is any text.
        method: The method of the request.
        path: The path of the request.
    """
    return fnmatchcase(f"{method} {path}", pattern)
