"""A response on its way to the client, which notes its status and the start of its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

_MAX_BODY = 2**15  # bytes that are noted

Note = Callable[[int, bytes, int], None]
"""Is called with the status, the start of the body, and the size of the body, so far."""


class LoggedResponse:
    """Passes a response on, and notes it before its first piece is sent and when it has ended.

    Args:
        start_response: Of the WSGI server.
        note: Called with what there is of the response.
    """

    def __init__(self, start_response: StartResponse, note: Note) -> None:
        self._start_response = start_response
        self._note = note
        self._status = 0
        self._start = bytearray()
        self._size = 0
        self._pieces: Iterable[bytes] = ()

    def start(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        """Begin the response."""
        self._status = int(status.partition(" ")[0])
        return self._start_response(status, headers, *error)

    def body(self, pieces: Iterable[bytes]) -> LoggedResponse:
        """Take the body to pass on, and return itself."""
        self._pieces = pieces
        return self

    def reset(self) -> None:
        """Note that there is no response."""
        self._note(0, b"", 0)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._size += len(piece)
            if len(self._start) < _MAX_BODY:
                self._start += piece[: _MAX_BODY - len(self._start)]
            if self._size == len(piece):
                self._note_it()
            yield piece

    def close(self) -> None:
        """End the response, as the WSGI server does."""
        try:
            close = getattr(self._pieces, "close", None)
            if callable(close):
                close()
        finally:
            self._note_it()

    def _note_it(self) -> None:
        self._note(self._status, bytes(self._start), self._size)
