"""The files in a model's input: what stands for one, and how it is read.

A path, an open file, bytes, a picture and an image's pixels become an `Upload`, which is read when
it is sent. Whatever keeps a file from being read is an InvalidInputError.
"""

from __future__ import annotations

import base64
import hashlib
import io
import mimetypes
import os
import re
import stat
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeGuard, cast
from weakref import WeakValueDictionary, finalize

from ..exceptions import InvalidInputError, ReplicateError
from .file_names import clean_name
from .file_output import FileOutput

MAX_INLINE_SIZE = 256 * 1024  # bytes of a file that is sent inside the input
MAX_UPLOAD_SIZE = 100 * 2**20  # bytes of a file that can be uploaded

_UNKNOWN_TYPE = "application/octet-stream"
_TYPES_BY_BEGINNING = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"\x1f\x8b": "application/gzip",
}
_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_COMPRESSED_TYPES = {  # by the encoding that `mimetypes` finds in a name such as "a.tar.gz"
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
_DECOMPRESSORS = ("gzip", "bz2", "lzma")  # the modules whose files are read decompressed
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_PIXEL_TYPES = ("uint8", "bool", "uint16")  # that a PNG file has as they are
_OPEN_AS_BYTES = "Open it with mode 'rb'."

# Two uploads of one open file, as of two threads, take turns.
_file_locks: WeakValueDictionary[int, Any] = WeakValueDictionary()
_file_locks_lock = threading.Lock()


class Array(Protocol):
    """An array of numbers, such as numpy's."""

    def tolist(self) -> object:
        """Return the array as lists."""
        ...


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
        self._open_file = open_file
        self._stays_open = stays_open
        self._lock: Any = nullcontext()
        if stays_open:
            self._lock = _lock_of(open_file())

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file at its beginning; a context manager.

        Raises:
            InvalidInputError: It cannot be opened.
        """
        with self._lock:
            with _readable(f"The file {self.name!r}"):
                file = self._open_file()
                file.seek(0)
            try:
                yield file
            finally:
                if not self._stays_open:
                    file.close()

    def digest(self) -> str:
        """Return the hash of the content, which tells it from any other: "sha256:…".

        Raises:
            InvalidInputError: It cannot be read.
        """
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
            while piece := _read_piece(file, MAX_INLINE_SIZE, where):
                yield piece

    def __repr__(self) -> str:
        return f"file {self.name!r}"


def to_upload(value: object, where: str = "content") -> Upload | None:
    """Return what stands for a file as an `Upload`, or None if the value does not.

    Args:
        value: A path, an open binary file, bytes, a picture of Pillow, a numpy array with the
            pixels of an image, or a `FileOutput`.
        where: The name of the input, for an error message.

    Raises:
        InvalidInputError: It cannot be read, or is larger than 100 MB.
    """
    if isinstance(value, Upload):
        return value
    source = f"The file in {where!r}"
    with _readable(source):
        upload = _open_upload(value, where, source)
        if upload is None:
            return None
        if upload.size > MAX_UPLOAD_SIZE:
            raise InvalidInputError(
                f"{source} has {upload.size:,} bytes, "
                f"and at most {MAX_UPLOAD_SIZE >> 20} MB can be uploaded.",
                hint="Put it where Replicate can fetch it, and pass its https URL.",
            )
        with upload.opened() as file:
            beginning = _read_piece(file, 16, source)
    upload.name = clean_name(upload.name)
    if not _MIME_TYPE.fullmatch(upload.mime_type):
        upload.mime_type = _type_by_name(upload.name) or _type_by_beginning(beginning)
    if not upload.name:
        upload.name = "file" + (mimetypes.guess_extension(upload.mime_type) or "")
    return upload


@contextmanager
def _readable(source: str) -> Iterator[None]:
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
            f"{source} is not open for reading: {error}.", hint=_OPEN_AS_BYTES
        ) from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise InvalidInputError(f"{source} cannot be read: {reason}") from error


def _read_piece(file: BinaryIO, size: int, source: str) -> bytes:
    """Return the next bytes of a file; b"" at its end."""
    with _readable(source):
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
            raise InvalidInputError(f"{source} returns text when it is read.", hint=_OPEN_AS_BYTES)
        return bytes(memoryview(cast(bytes, piece)))  # no bytes(), which takes a number as well


def _open_upload(value: object, where: str, source: str) -> Upload | None:
    """Return what stands for a file as an `Upload` whose name and MIME type may be missing."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _upload_of_bytes(bytes(value))
    if isinstance(value, os.PathLike):
        return _upload_of_path(Path(os.fsdecode(value)), source)
    if isinstance(value, FileOutput):
        with value.open() as content:
            return _spooled_upload(content, value.name, source)
    if callable(getattr(value, "read", None)):
        return _upload_of_file(value, source)
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "shape"):
        _validate_pixels(value, where)
        return _upload_of_picture(value, where)
    if library == "PIL" and hasattr(value, "save"):
        return _upload_of_picture(value, where)
    return None


def _upload_of_bytes(content: bytes, name: str = "", mime_type: str = "") -> Upload:
    return Upload(name, mime_type, len(content), lambda: io.BytesIO(content))


def _upload_of_path(path: Path, source: str) -> Upload:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size:
            return Upload(path.name, "", status.st_size, lambda: path.open("rb"))
        # A pipe has no length, and that of a file in /proc is not known before it is read.
        return _spooled_upload(file, path.name, source, may_be_empty=stat.S_ISREG(status.st_mode))


def _upload_of_file(given: Any, source: str) -> Upload:
    """Return an open file as an upload; so is the file that a web framework has received."""
    from inspect import iscoroutinefunction  # late, as most inputs have no open file

    file = given
    if iscoroutinefunction(file.read) and callable(
        getattr(getattr(file, "file", None), "read", None)
    ):
        file = file.file  # an UploadFile of FastAPI: what is read with await lies in a file
    _validate_open_file(file, source)
    name = _name_of_file(given) or _name_of_file(file)
    mime_type = getattr(given, "content_type", None)
    if not isinstance(mime_type, str):
        mime_type = ""
    with _lock_of(file):
        size = _seekable_size(file)
        if size is None:
            return _spooled_upload(file, name, source, mime_type)
        if size <= MAX_INLINE_SIZE:
            # Read at once: a small file may be closed, or written to, before it is sent.
            content = b""
            while piece := _read_piece(file, MAX_INLINE_SIZE, source):
                content += piece
            return _upload_of_bytes(content, name, mime_type)
    return Upload(name, mime_type, size, lambda: cast(BinaryIO, file), stays_open=True)


def _validate_open_file(file: Any, source: str) -> None:
    """Raise what keeps a file from being read as bytes, as far as it says so."""
    if getattr(file, "closed", False) is True:
        raise InvalidInputError(
            f"{source} is closed.", hint="Pass it while it is open, or pass its path."
        )
    mode = getattr(file, "mode", None)
    # The mode of a member of an archive is "r".
    is_text = isinstance(mode, str) and "b" not in mode and not isinstance(file, io.IOBase)
    if is_text or isinstance(file, io.TextIOBase):
        raise InvalidInputError(f"{source} is open as text.", hint=_OPEN_AS_BYTES)


def _name_of_file(file: Any) -> str:
    """Return the name that a file has, or ""."""
    is_decompressed = type(file).__module__ in _DECOMPRESSORS
    path = getattr(file, "name", None)
    if not is_decompressed and isinstance(getattr(file, "filename", None), str):
        path = file.filename  # of an upload in a form, where "name" is that of the field
    if not isinstance(path, str | bytes):
        return ""  # such as the number of a temporary file without a name
    name = os.path.basename(os.fsdecode(path))
    if is_decompressed:
        name = os.path.splitext(name)[0]
    return name


def _seekable_size(file: Any) -> int | None:
    """Return the length of a file that is then at its beginning; None if it can be read once."""
    seekable = getattr(file, "seekable", None)
    if callable(seekable) and not seekable():
        return None
    try:
        file.seek(0)
    except (OSError, AttributeError, ValueError, NotImplementedError):
        return None
    try:
        file.seek(0, os.SEEK_END)
        size = int(file.tell())
    except (OSError, ValueError, NotImplementedError):
        size = None
    file.seek(0)
    return size


def _spooled_upload(
    file: Any, name: str, source: str, mime_type: str = "", *, may_be_empty: bool = False
) -> Upload:
    """Return a file that can be read only once as one on disk, whose length is known."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # closed with its upload
    try:
        while copy.tell() <= MAX_UPLOAD_SIZE:
            piece = _read_piece(file, MAX_INLINE_SIZE, source)
            if not piece:
                break
            copy.write(piece)
        if not copy.tell() and not may_be_empty:
            raise InvalidInputError(
                f"{source} has no data.",
                hint="What can be read only once may have been read before.",
            )
    except BaseException:
        copy.close()
        raise
    upload = Upload(name, mime_type, copy.tell(), lambda: copy, stays_open=True)
    finalize(upload, copy.close)
    return upload


def _upload_of_picture(picture: Any, where: str) -> Upload:
    """Return a picture of Pillow, or an array of pixels, as a PNG file."""
    try:
        if not hasattr(picture, "save"):
            from PIL import Image  # late, as a program without pictures does not need it

            picture = Image.fromarray(picture)
        file = io.BytesIO()
        picture.save(file, "PNG")
    except ImportError:
        raise InvalidInputError(
            f"The array in {where!r} needs Pillow: pip install Pillow"
        ) from None
    except Exception as error:
        raise _no_picture_error(where, str(error)) from error
    return _upload_of_bytes(file.getvalue(), "image.png", "image/png")


def _validate_pixels(array: Any, where: str) -> None:
    """Raise InvalidInputError if an array is a vector or matrix of numbers and not an image."""
    shape = getattr(array, "shape", ())
    if len(shape) not in (2, 3) or min(shape[:2]) < 2:
        raise _no_picture_error(where, f"its shape is {shape}")
    if str(getattr(array, "dtype", "")) not in _PIXEL_TYPES:
        raise _no_picture_error(where, f"its type is {getattr(array, 'dtype', None)}")


def is_list_of_numbers(value: object) -> TypeGuard[Array]:
    """Return whether a value is an array of numbers or texts, and not one of an image."""
    module = type(value).__module__
    if module == "array":
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if module != "numpy" or not getattr(value, "shape", ()) or kind not in "biufU":
        return False
    try:
        _validate_pixels(value, "")
    except InvalidInputError:
        # What has the shape of a picture, and another type, is most likely meant as one.
        return not _is_picture_shape(value)
    return False


def _is_picture_shape(array: Any) -> bool:
    shape = array.shape
    return len(shape) == 3 and shape[2] in (1, 3, 4)


def _no_picture_error(where: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"The picture in {where!r} cannot be written as PNG ({reason}): an array of pixels is "
        "one of uint8, such as height x width x 3; for a list of numbers, use .tolist()."
    )


def _type_by_name(name: str) -> str:
    mime_type, encoding = mimetypes.guess_type(name)
    if encoding:
        return _COMPRESSED_TYPES.get(encoding, _UNKNOWN_TYPE)
    return mime_type or ""


def _type_by_beginning(beginning: bytes) -> str:
    """Return the MIME type of a file by how its content begins."""
    if beginning.startswith(b"RIFF"):
        return _RIFF_TYPES.get(beginning[8:12], _UNKNOWN_TYPE)
    if beginning[4:8] == b"ftyp":
        return "video/mp4"
    for start, mime_type in _TYPES_BY_BEGINNING.items():
        if beginning.startswith(start):
            return mime_type
    return _UNKNOWN_TYPE


def _lock_of(file: object) -> Any:
    """Return the lock of an open file, the same one for all that are to read it."""
    with _file_locks_lock:
        lock = _file_locks.get(id(file))
        if lock is None:
            lock = threading.RLock()
            _file_locks[id(file)] = lock
        return lock
