"""A file that is to be sent: its name, its type, its size, and how it is read.

It is read when it is sent. Whatever keeps it from being read is an InvalidInputError.
"""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO, cast
from weakref import WeakValueDictionary

from ..exceptions import InvalidInputError, ReplicateError
from ..forks import brief_lock

MAX_INLINE_SIZE = 256 * 1024  # bytes of a file that is sent inside the input
MAX_UPLOAD_SIZE = 100 * 2**20  # bytes of a file that can be uploaded
OPEN_AS_BYTES = "Open it with mode 'rb'."

# Two uploads of one open file, as of two threads, take turns.
_file_locks: WeakValueDictionary[int, AbstractContextManager[object]] = WeakValueDictionary()


class UploadedFile:
    """A file that the API has already: its URL stands for it in an input."""

    @property
    def url(self) -> str | None:
        """The URL, or None where the API has not sent one."""
        raise NotImplementedError


class Upload:
    """A file that is to be sent.

    Args:
        name: The file's name, or "" where it has none.
        mime_type: Its MIME type, or "" where it is not known.
        size: Its length in bytes.
        open_file: Returns the file, open for reading.
        stays_open: Whether the file is the caller's own, which is not closed.
    """

    def __init__(
        self,
        name: str,
        mime_type: str,
        size: int,
        open_file: Callable[[], BinaryIO],
        *,
        stays_open: bool = False,
    ) -> None:
        #: The file's name.
        self.name = name
        #: Its MIME type.
        self.mime_type = mime_type
        #: Its length in bytes.
        self.size = size
        #: What tells the content from any other, where that is known without reading it.
        self.identity: str = ""
        self._open_file = open_file
        self._stays_open = stays_open
        self._lock: AbstractContextManager[object] = nullcontext()
        if stays_open:
            self._lock = lock_of(open_file())

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file at its beginning; a context manager.

        Raises:
            InvalidInputError: It cannot be opened.
        """
        with self._lock:
            with readable(f"The file {self.name!r}"):
                file = self._open_file()
                file.seek(0)
            try:
                yield file
            finally:
                if not self._stays_open:
                    file.close()

    def digest(self) -> str:
        """Return what tells the content from any other: `identity`, or its hash, "sha256:…".

        Raises:
            InvalidInputError: It cannot be read.
        """
        if self.identity:
            return self.identity
        content_hash = hashlib.sha256()
        for piece in self._pieces():
            content_hash.update(piece)
        return f"sha256:{content_hash.hexdigest()}"

    def data_uri(self) -> str:
        """Return the file as a data URI.

        Raises:
            InvalidInputError: It cannot be read.
        """
        content = base64.b64encode(b"".join(self._pieces())).decode()
        return f"data:{self.mime_type};base64,{content}"

    def _pieces(self) -> Iterator[bytes]:
        where = f"The file {self.name!r}"
        with self.opened() as file:
            while piece := read_piece(file, MAX_INLINE_SIZE, where):
                yield piece

    def __repr__(self) -> str:
        return f"file {self.name!r}"


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Raise what a file raises as an InvalidInputError: each kind of file has its own exceptions.

    Args:
        source: What the message calls the file.
    """
    try:
        yield
    except ReplicateError:
        raise
    except io.UnsupportedOperation as error:
        raise InvalidInputError(
            f"{source} is not open for reading: {error}.", hint=OPEN_AS_BYTES
        ) from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise InvalidInputError(f"{source} cannot be read: {reason}") from error


def read_piece(file: BinaryIO, size: int, source: str) -> bytes:
    """Return the next bytes of a file; b"" at its end.

    Args:
        file: The file.
        size: How many of them at most.
        source: What a message calls the file.

    Raises:
        InvalidInputError: It cannot be read, or returns no bytes.
    """
    with readable(source):
        piece: object = file.read(size)
        if piece is None:
            raise InvalidInputError(
                f"{source} has no data yet: it does not wait for any.",
                hint="Pass what was read of it, as bytes.",
            )
        if isinstance(piece, Coroutine):
            piece.close()
            raise InvalidInputError(
                f"{source} is read with await.", hint="Pass what was read of it, as bytes."
            )
        if isinstance(piece, str):
            raise InvalidInputError(f"{source} returns text when it is read.", hint=OPEN_AS_BYTES)
        return bytes(memoryview(cast(bytes, piece)))  # no bytes(), which takes a number as well


def lock_of(file: object) -> AbstractContextManager[object]:
    """Return the lock of an open file, the same one for all that are to read it."""
    with brief_lock:
        lock = _file_locks.get(id(file))
        if lock is None:
            lock = threading.RLock()
            _file_locks[id(file)] = lock
        return lock
