"""What came in: the requests that a server has been sent, to assert on."""

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

_MOST = 10_000
_BYTES = 64 * 2**20


@dataclass(frozen=True, repr=False)
class Request:
    """One request: `path` is without its query, `headers` are without the token, and their names in any case.

    `body` is empty for an upload, and for one of more than a megabyte. `time` is when it came, in UTC.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    time: datetime

    @property
    def json(self) -> Any:
        """The body's JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.body[:200].decode(errors='replace')}>"


class Requests(Sequence[Request]):
    """The requests of a server, oldest first: the last 10,000, and of these no more than 64 MB."""

    def __init__(self) -> None:
        self._kept: deque[Request] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    @overload
    def __getitem__(self, index: int) -> Request: ...

    @overload
    def __getitem__(self, index: slice) -> list[Request]: ...

    def __getitem__(self, index: int | slice) -> Request | list[Request]:
        """Give a request, `[-1]` for the last one, or some of them."""
        with self._lock:
            return list(self._kept)[index]

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return repr(self[:])

    def to(self, pattern: str) -> list[Request]:
        """Give those whose method and path fit a pattern, such as `POST */predictions` or `GET /v1/predictions/*`."""
        return [request for request in self[:] if fits(pattern, request.method, request.path)]

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def keep(self, request: Request) -> None:
        """Add a request, and drop the oldest where there are too many."""
        with self._lock:
            self._kept.append(request)
            self._bytes += len(request.body)
            while len(self._kept) > _MOST or self._bytes > _BYTES:
                self._bytes -= len(self._kept.popleft().body)


def fits(pattern: str, method: str, path: str) -> bool:
    """Tell whether a request is one that a pattern names: its method, a space and its path; `*` is any text."""
    return fnmatchcase(f"{method} {path}", pattern)
