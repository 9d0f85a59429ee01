"""A model's input on its way out: what may be sent, as which bytes, and what becomes of the files in it.

A file of at most 256 kB becomes a data URI; a larger one is uploaded, and its address takes its place.
https://replicate.com/docs/topics/predictions/input-files
"""

from __future__ import annotations

import base64
import io
import json
import mimetypes
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from weakref import finalize

from .errors import InvalidInputError
from .files import FileOutput

INLINE = 256 * 1024  # bytes: the longest file that travels inside the input
LONGEST = 100 * 2**20  # bytes: the longest file that can be uploaded

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


class Upload:
    """A file that is to be sent: its name, its type, its length in bytes, and how it is opened.

    One that `stays_open` is a caller's own file, or a copy of one.
    """

    def __init__(
        self, name: str, mime_type: str, size: int, opens: Callable[[], BinaryIO], *, stays_open: bool = False
    ) -> None:
        self.name, self.mime_type, self.size = name, mime_type, size
        self.opens, self.stays_open = opens, stays_open

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Give the file from its beginning."""
        file = self.opens()
        try:
            file.seek(0)
            yield file
        finally:
            if not self.stays_open:
                file.close()

    def digest(self) -> str:
        """What tells the file's content from any other."""
        found = sha256()
        with self.opened() as file:
            while piece := file.read(INLINE):
                found.update(piece)
        return f"sha256:{found.hexdigest()}"

    def data_uri(self) -> str:
        """The file as a data URI."""
        with self.opened() as file:
            return f"data:{self.mime_type};base64,{base64.b64encode(file.read()).decode()}"


def checked(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give a model's input as a dict of its own, with an `Upload` for each file in it, however deep; the same one where
    the same file stands twice. Nothing is sent.

    Raises InvalidInputError for a file that is too long or cannot be read, and for what JSON has no word for.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"A model's input is a dict of its parameters, such as {{'prompt': '…'}}, not {type(given).__name__}."
        )
    if bad := [name for name in given if not isinstance(name, str)]:
        raise InvalidInputError(f"The names in a model's input must be strings; {bad[0]!r} is not.")
    try:
        json.dumps(given, allow_nan=False)
        return dict(given)  # no file can be in it
    except (TypeError, ValueError, RecursionError):
        seen: dict[object, Upload] = {}
    try:
        draft = {name: _drafted(value, name, seen) for name, value in given.items()}
        encode(sent(draft, lambda upload: ""))
    except RecursionError as error:
        raise InvalidInputError(f"{_where(given)} is nested too deep, or holds itself.") from error
    return draft


def sent(draft: Mapping[str, Any], place: Callable[[Upload], str]) -> dict[str, Any]:
    """Give a checked input with each `Upload` replaced by what `place` makes of it: an address or a data URI."""
    placed: dict[Upload, str] = {}

    def put(value: Any) -> Any:
        if isinstance(value, Upload):
            if value not in placed:
                placed[value] = place(value)
            return placed[value]
        if isinstance(value, dict):
            return {name: put(item) for name, item in value.items()}
        return [put(item) for item in value] if isinstance(value, list | tuple) else value

    return {name: put(value) for name, value in draft.items()}


def encode(body: Any) -> bytes:
    """Write JSON, or raise InvalidInputError that names the value JSON has no word for."""
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{_where(body)} cannot be sent as JSON: {error}") from error


def upload(value: Any, where: str = "content") -> Upload | None:
    """Measure what a person may give for a file, or give None where it is none.

    A path, an open binary file, bytes, a PIL image, a numpy array with the pixels of an image.
    Raises InvalidInputError for one that cannot be read, or is longer than 100 MB.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        found = _of_bytes(bytes(value))
    elif isinstance(value, os.PathLike):
        found = _of_path(Path(value), where)
    elif callable(getattr(value, "read", None)):
        found = _of_file(value, where)
    elif type(value).__module__.partition(".")[0] in ("PIL", "numpy"):
        found = _of_picture(value, where)
    else:
        return None
    if found.size > LONGEST:
        raise InvalidInputError(
            f"The file in {where!r} has {found.size:,} bytes, and at most {LONGEST >> 20} MB can be uploaded: put it where "
            "Replicate can fetch it, and pass its https address."
        )
    found.mime_type = found.mime_type or mimetypes.guess_type(found.name)[0] or _sniffed(found)
    found.name = found.name or f"file{mimetypes.guess_extension(found.mime_type) or ''}"
    return found


def _drafted(value: Any, where: str, seen: dict[object, Upload]) -> Any:
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, Mapping):
        return {name: _drafted(item, where, seen) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_drafted(item, where, seen) for item in value]
    if type(value).__module__ == "numpy" and not getattr(value, "ndim", None):
        return value.item()
    same: object = os.path.abspath(value) if isinstance(value, os.PathLike) else id(value)
    if same not in seen:
        found = upload(value, where)
        if found is None:
            return value
        seen[same] = found
    return seen[same]


def _of_bytes(content: bytes, name: str = "", mime_type: str = "") -> Upload:
    return Upload(name, mime_type, len(content), lambda: io.BytesIO(content))


def _of_path(path: Path, where: str) -> Upload:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InvalidInputError(f"The file in {where!r} cannot be read: {error}") from error
    return Upload(path.name, "", size, lambda: path.open("rb"))


def _of_file(file: Any, where: str) -> Upload:
    if isinstance(file, io.TextIOBase) or "b" not in getattr(file, "mode", "b"):
        raise InvalidInputError(f"The file in {where!r} is open as text: open it with mode 'rb'.")
    name = getattr(file, "name", "")
    name = os.path.basename(name) if isinstance(name, str) else ""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    except (OSError, AttributeError, io.UnsupportedOperation):
        return _spooled(file, name, where)
    return Upload(name, "", size, lambda: file, stays_open=True)


def _spooled(file: Any, name: str, where: str) -> Upload:
    """Keep on disk what can be read only once, and see how long it is."""
    kept: Any = tempfile.TemporaryFile()  # noqa: SIM115  # closed with its upload
    while kept.tell() <= LONGEST and (piece := file.read(INLINE)):
        if not isinstance(piece, bytes):
            kept.close()
            raise InvalidInputError(f"The file in {where!r} gives text: open it with mode 'rb'.")
        kept.write(piece)
    made = Upload(name, "", kept.tell(), lambda: kept, stays_open=True)
    finalize(made, kept.close)
    return made


def _of_picture(picture: Any, where: str) -> Upload:
    try:
        if type(picture).__module__.partition(".")[0] == "numpy":
            from PIL import Image  # late: a program without pictures does not need it

            picture = Image.fromarray(picture)
        written = io.BytesIO()
        picture.save(written, "PNG")
    except ImportError:
        raise InvalidInputError(f'The array in {where!r} needs Pillow: pip install "replicate-sync[server]"') from None
    except (TypeError, ValueError, OSError, KeyError) as error:
        raise InvalidInputError(
            f"The picture in {where!r} cannot be written as PNG ({error}): an array of pixels is one of uint8, such as "
            "height x width x 3; for a list of numbers, use .tolist()."
        ) from error
    return _of_bytes(written.getvalue(), "image.png", "image/png")


def _sniffed(found: Upload) -> str:
    with found.opened() as file:
        start = file.read(16)
        file.seek(0)
    if start.startswith(b"RIFF"):
        return _RIFF.get(start[8:12], "application/octet-stream")
    if start[4:8] == b"ftyp":
        return "video/mp4"
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), "application/octet-stream")


def _where(body: Any) -> str:
    if isinstance(body, Mapping):
        for name, value in body.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError, RecursionError):
                return f"The input {name!r}"
    return "The input"
