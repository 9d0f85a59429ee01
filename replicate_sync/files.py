"""A file that a model made: read, saved, and shown in a notebook."""

from __future__ import annotations

import base64
import mimetypes
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from . import notebook
from .errors import ReplicateError, ResponseError

_IN_MEMORY = 2**20  # bytes of an opened file that are kept in memory
_EMBEDDED = 32 * 2**20  # bytes: the longest file that a notebook keeps; a longer one is shown from where it is
_ALL_EMBEDDED = 96 * 2**20  # bytes of several files that one output of a notebook keeps
_AS_THEY_ARE = ("image/png", "image/jpeg", "image/gif")  # what every notebook shows without HTML
_KINDS = {  # what some Pythons and systems do not know
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


Download = Callable[..., Iterator[bytes]]
"""Fetches the bytes of a URL, piece by piece; given `progress=True`, it shows them in a bar, where they are many."""


class FileOutput:
    """A file that a model made: a URL that reads, saves and (in a notebook) shows itself. Its repr does no I/O.

    `url`, `name` ("out-0.png"), `mime_type` ("image/png"). Replicate keeps output files for one hour. `str()` gives the URL.
    https://replicate.com/docs/topics/predictions/output-files
    """

    def __init__(
        self, url: str, download: Download, stem: str = "output", fetch: Callable[[str], bytes] | None = None
    ) -> None:
        self.url = url
        self._download, self._fetch = download, fetch  # piece by piece, and at once
        self._stem = stem  # of the name, where the URL has none
        self._bytes: bytes | None = None

    def iter_bytes(self, *, progress: bool = False) -> Iterator[bytes]:
        """Yield the file's bytes in pieces, as they are downloaded. `progress`: show a bar, from 5 MB on.

        Raises ResponseError where the file is gone, ConnectionFailed where it comes short.
        """
        if self._bytes is not None:
            yield self._bytes
        elif self.url.startswith("data:"):
            yield _inline(self.url)
        else:
            yield from self._download(self.url, progress=True) if progress else self._download(self.url)

    def read(self, *, progress: bool = False) -> bytes:
        """Give the whole file as bytes; it is fetched once. `progress` and the errors are those of `iter_bytes`."""
        if self._bytes is None:
            if self._fetch and not progress and not self.url.startswith("data:"):
                self._bytes = self._fetch(self.url)
            else:
                self._bytes = b"".join(self.iter_bytes(progress=progress))
        return self._bytes

    def open(self) -> BinaryIO:
        """Give the file as a file that can be read and gone to and fro in; it is kept on disk where it is large."""
        file: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the caller closes it
        for piece in self.iter_bytes():
            file.write(piece)
        file.seek(0)
        kept: BinaryIO = file
        return kept

    def image(self) -> Any:
        """Give the picture as a `PIL.Image`. Raises ImportError, with what to install, where Pillow is missing."""
        try:
            from PIL import Image
        except ImportError:
            raise ImportError('Pictures as objects need Pillow: pip install "replicate-sync[server]"') from None
        return Image.open(BytesIO(self.read()))

    def save(self, path: str | os.PathLike[str], *, progress: bool = False) -> Path:
        """Write the file to `path` (in a folder, under its own name) and give the path.

        The file appears under its name only when it is whole. `progress` is that of `iter_bytes`. Raises as `iter_bytes`
        does, and OSError.
        """
        target = Path(path)
        if target.is_dir():
            target = target / self.name
        handle, partial = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self.iter_bytes(progress=progress):
                    file.write(piece)
            os.chmod(partial, 0o666 & ~_umask())
            os.replace(partial, target)
        except BaseException:
            os.unlink(partial)
            raise
        return target

    @property
    def name(self) -> str:
        """The file's own name, such as "out-0.png"."""
        if self.url.startswith("data:"):
            kind = self.mime_type
            known = next((ending for ending, own in _KINDS.items() if own == kind), None)
            return self._stem + (known or mimetypes.guess_extension(kind, strict=False) or "")
        return unquote(_path(self.url)).rpartition("/")[2].lstrip(".") or self._stem

    @property
    def mime_type(self) -> str:
        """The file's type by its URL, such as "image/png"."""
        if self.url.startswith("data:"):
            return self.url[5:].partition(",")[0].partition(";")[0] or "text/plain"
        path = _path(self.url)
        known = _KINDS.get(os.path.splitext(path)[1].lower())
        return known or mimetypes.guess_type(path, strict=False)[0] or "application/octet-stream"

    def html(self, at_most: int = _EMBEDDED) -> tuple[str, int]:
        """Give the file as HTML for a notebook, and how many of its bytes are in that; it is fetched once.

        A picture, or a player for sound or video, with the file inside, so that it is there when the notebook is opened
        again; one of more than `at_most` bytes is shown from its URL, and any other file is a link. A file that cannot
        be had is a sentence, and no error.
        """
        content = self._medium(at_most)
        return self._as_html(content), len(content) if isinstance(content, bytes) else 0

    def _medium(self, at_most: int) -> bytes | ReplicateError | None:
        """Give a picture, sound or video of at most so many bytes; the error where it cannot be had; else None."""
        if not self.mime_type.startswith(("image/", "audio/", "video/")):
            return None
        try:
            return self._short(at_most)
        except ReplicateError as error:
            return error

    def _as_html(self, content: bytes | ReplicateError | None) -> str:
        from . import display  # late, as is all that only a notebook needs

        kind, name = self.mime_type, self.name
        if isinstance(content, ReplicateError):
            return display.note(f"{name} cannot be shown. {content}")
        inside = self.url if content is None else f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return display.medium(kind, name, inside)

    def _short(self, at_most: int) -> bytes | None:
        """Give the whole file, or None where it is longer."""
        if self._bytes is None:
            pieces, size = [], 0
            for piece in self.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > at_most:
                    return None
            self._bytes = b"".join(pieces)
        return self._bytes if len(self._bytes) <= at_most else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/plain": repr(self)}
        if notebook.shows_text_only():
            return shown
        content = self._medium(_EMBEDDED)
        if content and isinstance(content, bytes) and self.mime_type in _AS_THEY_ARE:
            return {**shown, self.mime_type: base64.b64encode(content).decode()}
        return {**shown, "text/html": self._as_html(content)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileOutput) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        url = self.url if len(self.url) <= 200 else f"{self.url[:60]}… ({len(self.url)} characters)"
        return f"{type(self).__name__}({url!r})"


class ImageOutput(FileOutput):
    """A picture and the prompt it was made from."""

    def __init__(self, url: str, prompt: str, download: Download, fetch: Callable[[str], bytes] | None = None) -> None:
        super().__init__(url, download, fetch=fetch)
        self.prompt = prompt


def side_by_side(values: Iterable[Any]) -> str | None:
    """Give a list of results as HTML for a notebook, its files side by side; None where it holds anything else.

    Lists in it are taken as their items, and an error is a sentence in its place.
    """
    from . import display

    found = list(_flat(values))
    if not all(isinstance(one, FileOutput | ReplicateError | None) for one in found):
        return None
    if not any(isinstance(one, FileOutput) for one in found):
        return None
    cells, left = [], _ALL_EMBEDDED
    for one in found:
        if isinstance(one, FileOutput):
            cell, size = one.html(min(left, _EMBEDDED))
            left -= size
        else:
            cell = display.note(str(one))
        cells.append(cell)
    return display.row(cells)


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


def _inline(uri: str) -> bytes:
    head, comma, data = uri.partition(",")
    try:
        if not comma:
            raise ValueError("it has no comma")
        content = unquote_to_bytes(data)
        return base64.b64decode(b"".join(content.split()), validate=True) if head.endswith(";base64") else content
    except ValueError as error:
        raise ResponseError(f"The model's output is a data URI that cannot be read: {error}") from error


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
