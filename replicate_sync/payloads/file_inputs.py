"""What stands for a file in a model's input: a path, an open file, bytes, a picture.

Each becomes an `Upload`. Whatever keeps a file from being read is an InvalidInputError.
"""

from __future__ import annotations

import io
import mimetypes
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast
from weakref import finalize

from ..exceptions import InvalidInputError
from .file_names import clean_name
from .file_output import FileOutput
from .mime_types import type_by_beginning, type_by_name
from .pictures import is_picture, write_png
from .upload import (
    MAX_INLINE_SIZE,
    MAX_UPLOAD_SIZE,
    OPEN_AS_BYTES,
    Upload,
    lock_of,
    read_piece,
    readable,
)

_DECOMPRESSORS = ("gzip", "bz2", "lzma")  # the modules whose files are read decompressed
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


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
    with readable(source):
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
            beginning = read_piece(file, 16, source)
    upload.name = clean_name(upload.name)
    if not _MIME_TYPE.fullmatch(upload.mime_type):
        upload.mime_type = type_by_name(upload.name) or type_by_beginning(beginning)
    if not upload.name:
        upload.name = "file" + (mimetypes.guess_extension(upload.mime_type) or "")
    return upload


def _open_upload(value: object, where: str, source: str) -> Upload | None:
    """Return what stands for a file as an `Upload` whose name and MIME type may be missing."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _upload_of_bytes(bytes(value))
    if isinstance(value, os.PathLike):
        return _upload_of_path(Path(os.fsdecode(value)), source)
    if isinstance(value, FileOutput):
        if value.path is not None and value.path.is_file():
            return _upload_of_path(value.path, source)
        with value.open() as content:
            return _spooled_upload(content, value.name, source)
    if callable(getattr(value, "read", None)):
        return _upload_of_file(value, source)
    if is_picture(value):
        return _upload_of_bytes(write_png(value, where), "image.png", "image/png")
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
    with lock_of(file):
        size = _seekable_size(file)
        if size is None:
            return _spooled_upload(file, name, source, mime_type)
        if size <= MAX_INLINE_SIZE:
            # Read at once: a small file may be closed, or written to, before it is sent.
            content = b""
            while piece := read_piece(file, MAX_INLINE_SIZE, source):
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
        raise InvalidInputError(f"{source} is open as text.", hint=OPEN_AS_BYTES)


def _name_of_file(file: Any) -> str:
    """Return the name that a file has, or ""."""
    is_decompressed = type(file).__module__ in _DECOMPRESSORS
    path = getattr(file, "name", None)
    if type(file).__module__ == "tarfile":
        return ""  # older versions of Python give a member the name of its archive
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
            piece = read_piece(file, MAX_INLINE_SIZE, source)
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
