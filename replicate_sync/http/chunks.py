r"""The content of a chunked body: bytes as they arrive in, content out.

Content is returned as it arrives, and not only when its chunk is complete. What many chunks have
brought is returned as one: a model's tokens are a chunk each, and often arrive together.

An example: of b"5\r\nhello\r\n3\r\n wo" the content is b"hello wo". Of b"r\r\n0\r\n\r\n", which is
the rest of the body, it is b"r".

See https://www.rfc-editor.org/rfc/rfc9112#section-7.1
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http.client import HTTPException, IncompleteRead

# The line end behind the chunk before, and the size of this one, perhaps with an extension.
_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
_TRAILER = re.compile(rb"\r\n0+[ \t]*(?:;[^\n]*)?\r?\n(?:[^\r\n][^\n]*\n)*\r?\n")
_LINE_END = b"\r\n"
_NO_SIZE = 3  # bytes, which are too few for one
_MAX_LINE = 16384  # bytes; likewise of a trailer


class InvalidChunk(HTTPException):
    """What has arrived is not a chunk."""


class Chunks:
    """Reads the content of a chunked body.

    Args:
        arrived: What has arrived of it.
        receive: Returns what arrives next of the body, b"" where the connection has ended.
        finish: Called before the end is returned.
    """

    def __init__(
        self, arrived: bytes, receive: Callable[[], bytes], finish: Callable[[], object]
    ) -> None:
        self._arrived = arrived
        self._receive = receive
        self._finish = finish
        self._is_last = False  # whether the last chunk has begun, which has no content
        self._is_over = False
        self._left = 0  # bytes of the content of the current chunk
        # What is not understood yet. The first chunk has no other before it, whose line would end.
        self._pending = _LINE_END

    def read(self) -> bytes:
        """Return the content of all chunks that have arrived, or arrive next; b"" at the end.

        Raises:
            InvalidChunk: What has arrived is no chunk.
            IncompleteRead: The connection has ended before the body.
        """
        pieces: list[bytes] = []
        while not pieces and not self._is_over:
            arrived = self._arrived or self._receive()
            self._arrived = b""
            if not arrived:
                self._end_early()
                break
            data = self._pending + arrived
            length = len(data)
            position = 0
            left = self._left
            while position < length:
                if left:
                    piece = data[position : position + left]
                    pieces.append(piece)
                    position += len(piece)
                    left -= len(piece)
                if length - position <= _NO_SIZE:
                    break
                size = _SIZE.match(data, position)
                if size is None:
                    break
                left = int(size[1], 16)
                if not left:
                    self._is_last = True
                    self._is_over = _TRAILER.match(data, position) is not None
                    break
                position = size.end()
            self._left = left
            self._pending = data[position:]
            if len(self._pending) > len(_LINE_END) and not self._is_over:
                self._validate_pending()
        if not pieces:
            self._finish()
        return b"".join(pieces)

    def _end_early(self) -> None:
        """Take over that the connection has ended."""
        if not self._is_last:
            raise IncompleteRead(b"")
        self._is_over = True  # some servers do not end the last chunk

    def _validate_pending(self) -> None:
        """Raise InvalidChunk unless what is pending may be the beginning of a chunk."""
        pending = self._pending
        has_size = b"\n" in pending[2:]  # which was not understood
        if pending[:2] != _LINE_END or (has_size and not self._is_last) or len(pending) > _MAX_LINE:
            raise InvalidChunk(f"not a chunk: {pending[:80]!r}")
