"""A model's input: what may be sent, and what stands for the files in it.

A file of at most 256 kB becomes a data URI; a larger one is uploaded, and its URL takes its place.
See https://replicate.com/docs/topics/predictions/input-files
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import mimetypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeGuard, cast
from weakref import finalize

from ..exceptions import InvalidInputError
from ..http.json import name_unserializable, serialize_json
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
}
_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


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

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file at its beginning; a context manager."""
        file = self._open_file()
        try:
            file.seek(0)
            yield file
        finally:
            if not self._stays_open:
                file.close()

    def digest(self) -> str:
        """Return the hash of the content, which tells it from any other: "sha256:…"."""
        content_hash = hashlib.sha256()
        with self.opened() as file:
            while piece := file.read(MAX_INLINE_SIZE):
                content_hash.update(piece)
        return f"sha256:{content_hash.hexdigest()}"

    def data_uri(self) -> str:
        """Return the file as a data URI."""
        with self.opened() as file:
            content = base64.b64encode(file.read()).decode()
        return f"data:{self.mime_type};base64,{content}"


def validate_input(given: Mapping[str, object] | None) -> dict[str, object]:
    """Return a model's input as a new dict, with an `Upload` for each file in it.

    Nothing is sent. A file that is in the input twice is one `Upload`.

    Args:
        given: The input. A path, an open binary file, bytes, a picture, a numpy image or a
            `FileOutput` stands for a file, however deep.

    Raises:
        InvalidInputError: It is not a dict with names as keys, a file is too large or cannot be
            read, or JSON cannot express a value.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            "A model's input is a dict of its parameters, such as {'prompt': '…'}, "
            f"not {type(given).__name__}."
        )
    for name in given:
        if not isinstance(name, str):
            raise InvalidInputError(
                f"The names in a model's input must be strings; {name!r} is not."
            )
    try:
        json.dumps(given, allow_nan=False)
        return dict(given)  # no file can be in it
    except (TypeError, ValueError, RecursionError):
        uploads: dict[object, Upload] = {}
    try:
        return {name: _validate_value(value, name, uploads) for name, value in given.items()}
    except RecursionError as error:
        where = name_unserializable(given)
        raise InvalidInputError(f"{where} is nested too deep, or holds itself.") from error


def place_files(
    validated: Mapping[str, object], place: Callable[[Upload], str]
) -> dict[str, object]:
    """Return a validated input with each `Upload` replaced.

    Args:
        validated: What `validate_input` returned.
        place: Returns what stands for a file: a URL or a data URI. Called once for each file.
    """
    placed: dict[Upload, str] = {}

    def place_value(value: object) -> object:
        if isinstance(value, Upload):
            if value not in placed:
                placed[value] = place(value)
            return placed[value]
        if isinstance(value, dict):
            return {name: place_value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [place_value(item) for item in value]
        return value

    return {name: place_value(value) for name, value in validated.items()}


def to_upload(value: object, where: str = "content") -> Upload | None:
    """Return what stands for a file as an `Upload`, or None if the value does not.

    Args:
        value: A path, an open binary file, bytes, a picture of Pillow, or a numpy array with the
            pixels of an image.
        where: The name of the input, for an error message.

    Raises:
        InvalidInputError: It cannot be read, or is larger than 100 MB.
    """
    upload = _open_upload(value, where)
    if upload is None:
        return None
    if upload.size > MAX_UPLOAD_SIZE:
        raise InvalidInputError(
            f"The file in {where!r} has {upload.size:,} bytes, "
            f"and at most {MAX_UPLOAD_SIZE >> 20} MB can be uploaded.",
            hint="Put it where Replicate can fetch it, and pass its https URL.",
        )
    if not upload.mime_type:
        upload.mime_type = mimetypes.guess_type(upload.name)[0] or _detect_type(upload)
    if not upload.name:
        upload.name = "file" + (mimetypes.guess_extension(upload.mime_type) or "")
    return upload


class _NumpyScalar(Protocol):
    def item(self) -> object:
        """Return the value as one of Python's own."""
        ...


def _validate_value(value: object, name: str, uploads: dict[object, Upload]) -> object:
    """Return a value that JSON can express, but for the uploads in it.

    Args:
        value: The value.
        name: The name of the input that it is in.
        uploads: The files so far, by what tells a file from another.
    """
    if _is_json_scalar(value):
        return value
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                serialize_json({name: {key: None}})  # a number is as good as a string
        return {key: _validate_value(item, name, uploads) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_validate_value(item, name, uploads) for item in value]
    return _validate_leaf(value, name, uploads)


def _validate_leaf(value: object, name: str, uploads: dict[object, Upload]) -> object:
    if _is_numpy_scalar(value):
        value = value.item()
    else:
        identity: object = id(value)
        if isinstance(value, os.PathLike):
            identity = os.path.abspath(value)
        if identity not in uploads:
            upload = to_upload(value, name)
            if upload is not None:
                uploads[identity] = upload
        if identity in uploads:
            return uploads[identity]
    serialize_json({name: value})  # raises, unless it is a number after all
    return value


def _is_json_scalar(value: object) -> bool:
    if value is None or isinstance(value, str):
        return True
    # NaN and infinity are not between any two numbers.
    limit = sys.float_info.max
    return isinstance(value, int | float) and -limit <= value <= limit


def _is_numpy_scalar(value: object) -> TypeGuard[_NumpyScalar]:
    return type(value).__module__ == "numpy" and not getattr(value, "ndim", None)


def _open_upload(value: object, where: str) -> Upload | None:
    """Return what stands for a file as an `Upload` whose name and MIME type may be missing."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _upload_of_bytes(bytes(value))
    if isinstance(value, os.PathLike):
        return _upload_of_path(Path(value), where)
    if callable(getattr(value, "read", None)):
        return _upload_of_file(cast(BinaryIO, value), where)
    if type(value).__module__.partition(".")[0] in ("PIL", "numpy"):
        return _upload_of_picture(value, where)
    return None


def _upload_of_bytes(content: bytes, name: str = "", mime_type: str = "") -> Upload:
    return Upload(name, mime_type, len(content), lambda: io.BytesIO(content))


def _upload_of_path(path: Path, where: str) -> Upload:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InvalidInputError(f"The file in {where!r} cannot be read: {error}") from error
    return Upload(path.name, "", size, lambda: path.open("rb"))


def _upload_of_file(file: BinaryIO | io.TextIOBase, where: str) -> Upload:
    if isinstance(file, io.TextIOBase) or "b" not in getattr(file, "mode", "b"):
        raise InvalidInputError(
            f"The file in {where!r} is open as text.", hint="Open it with mode 'rb'."
        )
    path = getattr(file, "name", "")
    name = ""
    if isinstance(path, str):  # not the number of a temporary file without a name
        name = os.path.basename(path)
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    except (OSError, AttributeError):  # what can be read only once
        return _spooled_upload(file, name, where)
    return Upload(name, "", size, lambda: file, stays_open=True)


def _spooled_upload(file: BinaryIO, name: str, where: str) -> Upload:
    """Return a file that can be read only once as one on disk, whose length is known."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # closed with its upload
    while copy.tell() <= MAX_UPLOAD_SIZE:
        piece: object = file.read(MAX_INLINE_SIZE)
        if not piece:
            break
        if not isinstance(piece, bytes):
            copy.close()
            raise InvalidInputError(
                f"Reading the file in {where!r} returns text.", hint="Open it with mode 'rb'."
            )
        copy.write(piece)
    upload = Upload(name, "", copy.tell(), lambda: copy, stays_open=True)
    finalize(upload, copy.close)
    return upload


def _upload_of_picture(picture: Any, where: str) -> Upload:
    """Return a picture of Pillow, or an array of pixels, as a PNG file."""
    try:
        if type(picture).__module__.partition(".")[0] == "numpy":
            from PIL import Image  # late, as a program without pictures does not need it

            picture = Image.fromarray(picture)
        file = io.BytesIO()
        picture.save(file, "PNG")
    except ImportError:
        raise InvalidInputError(
            f'The array in {where!r} needs Pillow: pip install "replicate-sync[server]"'
        ) from None
    except (TypeError, ValueError, OSError, KeyError) as error:
        raise InvalidInputError(
            f"The picture in {where!r} cannot be written as PNG ({error}): an array of pixels is "
            "one of uint8, such as height x width x 3; for a list of numbers, use .tolist()."
        ) from error
    return _upload_of_bytes(file.getvalue(), "image.png", "image/png")


def _detect_type(upload: Upload) -> str:
    """Return the MIME type of a file by how its content begins."""
    with upload.opened() as file:
        beginning = file.read(16)
        file.seek(0)
    if beginning.startswith(b"RIFF"):
        return _RIFF_TYPES.get(beginning[8:12], _UNKNOWN_TYPE)
    if beginning[4:8] == b"ftyp":
        return "video/mp4"
    for start, mime_type in _TYPES_BY_BEGINNING.items():
        if beginning.startswith(start):
            return mime_type
    return _UNKNOWN_TYPE
