"""A form with one file in it, written as it is sent: neither form nor file is ever whole in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from secrets import token_hex
from typing import Any, BinaryIO
from urllib.parse import quote

_PIECE = 65536


class Form:
    """The body of a file's upload; it reads like a file, and knows its length. `told` hears how much has been read of it.

    https://replicate.com/docs/reference/http#files.create
    """

    def __init__(
        self,
        file: BinaryIO,
        size: int,
        name: str,
        mime_type: str,
        metadata: Mapping[str, Any],
        told: Callable[[int, int], None] = lambda so_far, of: None,
    ) -> None:
        boundary = token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        plain = name.encode("ascii", "replace").decode().replace('"', "_").replace("\r", "_").replace("\n", "_")
        coded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
            f"{json.dumps(metadata)}\r\n--{boundary}\r\n"
            f'Content-Disposition: form-data; name="content"; filename="{plain}"{coded}\r\nContent-Type: {mime_type}\r\n\r\n'
        )
        self._head, self._tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._file, self._size, self._at, self._told = file, size, 0, told

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def tell(self) -> int:
        """Where reading goes on."""
        return self._at

    def seek(self, position: int) -> None:
        """Begin again; only the beginning can be gone to."""
        assert position == 0
        self._file.seek(0)
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, at most so many."""
        size = len(self) if size is None or size < 0 else size
        end = len(self._head) + self._size
        if self._at < len(self._head):
            piece = self._head[self._at : self._at + size]
        elif self._at < end:
            piece = self._file.read(min(size, end - self._at))
            if not piece:
                raise OSError("the file became shorter while it was sent")
        else:
            piece = self._tail[self._at - end : self._at - end + size]
        self._at += len(piece)
        self._told(self._at, len(self))
        return piece
