"""A form with one file, serialized while it is sent: it is never held in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from secrets import token_hex
from typing import BinaryIO
from urllib.parse import quote

from ..exceptions import InvalidInputError
from .json import serialize_json

_PIECE_SIZE = 65536

OnBytes = Callable[[int, "int | None"], None]
"""Called with the bytes that have moved so far, and with how many there are, where known."""


class Form:
    """The body of a file upload: a readable file of known length.

    See https://replicate.com/docs/reference/http#files.create

    Args:
        file: The file, open for reading at its beginning.
        size: Its length in bytes.
        name: Its name.
        mime_type: Its MIME type.
        metadata: JSON to keep with the file.
        on_bytes: Called after each piece that was read of the form.

    Raises:
        InvalidInputError: JSON cannot express the metadata.
    """

    def __init__(
        self,
        file: BinaryIO,
        size: int,
        name: str,
        mime_type: str,
        metadata: Mapping[str, object],
        on_bytes: OnBytes | None = None,
    ) -> None:
        boundary = token_hex(16)
        self.content_type: str = f"multipart/form-data; boundary={boundary}"
        head = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="metadata"\r\n'
            "Content-Type: application/json\r\n\r\n"
            f"{serialize_json(metadata, 'metadata').decode()}\r\n"
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="content"; {_file_name(name)}\r\n'
            f"Content-Type: {mime_type}\r\n\r\n"
        )
        self._head = head.encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self._name = name
        self._size = size
        self._position = 0
        self._on_bytes = on_bytes

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE_SIZE):
            yield piece

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, position: int) -> None:
        """Go back to the beginning, which is the only position that can be gone to."""
        assert position == 0
        self._file.seek(0)
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them; b"" at the end.

        Raises:
            InvalidInputError: The file has become shorter, or cannot be read any more.
        """
        if size is None or size < 0:
            size = len(self)
        tail_start = len(self._head) + self._size
        if self._position < len(self._head):
            piece = self._head[self._position : self._position + size]
        elif self._position < tail_start:
            piece = self._read_file(min(size, tail_start - self._position))
        else:
            offset = self._position - tail_start
            piece = self._tail[offset : offset + size]
        self._position += len(piece)
        if self._on_bytes is not None:
            self._on_bytes(self._position, len(self))
        return piece

    def _read_file(self, size: int) -> bytes:
        # No OSError, for which the connection would be taken to be lost, and the file sent again.
        try:
            piece: bytes = self._file.read(size)
        except Exception as error:  # each kind of file has exceptions of its own
            raise InvalidInputError(
                f"The file {self._name!r} cannot be read any more: {error}."
            ) from error
        if not piece:
            raise InvalidInputError(
                f"The file {self._name!r} became shorter while it was sent.",
                hint="Call again when nothing writes to it any more.",
            )
        return piece


def _file_name(name: str) -> str:
    """Return the parameters of a content disposition that name the file."""
    plain = name.encode("ascii", "replace").decode()
    plain = "".join("_" if one in '"\\' or not one.isprintable() else one for one in plain)
    parameter = f'filename="{plain}"'
    if plain != name:
        parameter += f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return parameter
