r"""The content of a chunked body: bytes as they arrive in, content out.

Content is returned as it arrives, and not only when its chunk is complete. What many chunks have
brought is returned as one: a model's tokens are a chunk each, and often arrive together.

An example: of b"5\r\nhello\r\n3\r\n wo" the content is b"hello wo". Of b"r\r\n0\r\n\r\n", which is
the rest of the body, it is b"r".

See https://www.rfc-editor.org/rfc/rfc9112#section-7.1
"""

from __future__ import annotations

import re
from http.client import HTTPException

# The line end behind the chunk before, and the size of this one, perhaps with an extension.
_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
_TRAILER = re.compile(rb"\r\n0+[ \t]*(?:;[^\n]*)?\r?\n(?:[^\r\n][^\n]*\n)*\r?\n")
_LINE_END = b"\r\n"
_MAX_LINE = 16384  # bytes; likewise of a trailer


class InvalidChunk(HTTPException):
    """What has arrived is not a chunk."""


class Chunks:
    """Takes a chunked body apart."""

    def __init__(self) -> None:
        #: Whether the last chunk has begun, which has no content.
        self.is_last: bool = False
        #: Whether all of the body has arrived.
        self.is_over: bool = False
        self._left = 0  # bytes of the content of the current chunk
        # What is not understood yet. The first chunk has no other before it, whose line would end.
        self._pending = _LINE_END

    def content_of(self, arrived: bytes) -> bytes:
        """Return the content in the next bytes of the body.

        Raises:
            InvalidChunk: They are not bytes of a chunked body.
        """
        data = self._pending + arrived
        position = 0
        pieces: list[bytes] = []
        left = self._left
        while True:
            if left:
                piece = data[position : position + left]
                pieces.append(piece)
                position += len(piece)
                left -= len(piece)
            size = _SIZE.match(data, position)
            if size is None:
                break
            left = int(size[1], 16)
            if not left:
                self.is_last = True
                self.is_over = _TRAILER.match(data, position) is not None
                break
            position = size.end()
        self._left = left
        self._pending = data[position:]
        if len(self._pending) > len(_LINE_END) and not self.is_over:
            self._validate_pending()
        return b"".join(pieces)

    def _validate_pending(self) -> None:
        """Raise InvalidChunk unless what is pending may be the beginning of a chunk."""
        pending = self._pending
        has_size = b"\n" in pending[2:]  # which was not understood
        if pending[:2] != _LINE_END or (has_size and not self.is_last) or len(pending) > _MAX_LINE:
            raise InvalidChunk(f"not a chunk: {pending[:80]!r}")
