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

from .. import timestamps

_MAX_REQUESTS = 10_000
_MAX_BYTES = 64 * 2**20


@dataclass(repr=False, eq=False)
class LoggedRequest:
    """One request, and what became of it.

    Attributes:
        method: The HTTP method.
        path: The path, without the query.
        query: The parameters of the query.
        headers: The headers without the token; their names match in any case.
        body: The body, empty for an upload, and for a body of more than a megabyte.
        time: When it was received, in UTC.
        number: Which request of the server it is, from 1.
        status: The status code of the response, 0 where the connection was reset instead, and
            None as long as there is no response.
        response: The start of the response's body.
        response_size: How many bytes the response's body has.
        seconds: How long the response took so far; None before it begins.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    time: datetime
    number: int = 0
    status: int | None = None
    response: bytes = b""
    response_size: int = 0
    seconds: float | None = None

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
    """The requests of a server, oldest first: the last 10,000, and at most 64 MB of them.

    Examples:
        >>> account = client.account.get()
        >>> client.server.requests[-1].path
        '/v1/account'
    """

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque()
        self._bytes = 0
        self._count = 0
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

        Examples:
            >>> greeting = client.run("replicate/hello-world", {"text": "Alice"})
            >>> client.server.requests.to("POST */predictions")[-1].json["input"]
            {'text': 'Alice'}
        """
        return [request for request in self[:] if matches(pattern, request.method, request.path)]

    def clear(self) -> None:
        """Forget every request.

        Examples:
            >>> client.server.requests.clear()
            >>> len(client.server.requests)
            0
        """
        with self._lock:
            self._requests.clear()
            self._bytes = 0

    def add(self, request: LoggedRequest) -> None:
        """Add a request, and forget the oldest where there are too many."""
        with self._lock:
            self._count += 1
            request.number = self._count
            self._requests.append(request)
            self._bytes += len(request.body)
            self._drop_oldest()

    def note(self, request: LoggedRequest, status: int, response: bytes, size: int) -> None:
        """Note what there is of the response to a request that was added."""
        with self._lock:
            request.status = status
            request.response_size = size
            request.seconds = (timestamps.now() - request.time).total_seconds()
            if self._requests and request.number >= self._requests[0].number:
                self._bytes += len(response) - len(request.response)
                request.response = response
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        while self._requests and (len(self._requests) > _MAX_REQUESTS or self._bytes > _MAX_BYTES):
            oldest = self._requests.popleft()
            self._bytes -= len(oldest.body) + len(oldest.response)


def matches(pattern: str, method: str, path: str) -> bool:
    """Return whether a pattern matches a request.

    Args:
        pattern: Method, space and path, where `*` is any text.
        method: The method of the request.
        path: The path of the request.
    """
    return fnmatchcase(f"{method} {path}", pattern)
