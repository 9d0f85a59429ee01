"""A chunked body whose start has been read already, to be logged."""

from __future__ import annotations

import io
from typing import IO


class ChunkedBody(io.RawIOBase):
    """The whole of a chunked body, although its start has been read already.

    Args:
        source: The body, without the lengths of its chunks.
        limit: How many bytes of it are read ahead.

    Attributes:
        start: What has been read; the whole body where there is no more than that.
        complete: Whether that is the whole body.
    """

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._error: Exception | None = None
        self.start: bytes = b""
        try:
            self.start = source.read(limit + 1)
        except (OSError, ValueError) as error:  # it is no chunked body
            self._error = error
        self.complete: bool = self._error is None and len(self.start) <= limit
        self._unread = io.BytesIO(self.start)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer, and return how many.

        Raises:
            OSError: It is no chunked body.
        """
        if self._error is not None:
            raise OSError(str(self._error))
        piece = self._unread.read(len(buffer))
        if not piece and not self.complete:
            try:
                piece = self._source.read(len(buffer))
            except ValueError as error:
                raise OSError(str(error)) from None
        buffer[: len(piece)] = piece
        return len(piece)
