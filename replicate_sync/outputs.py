"""A model's output on its way in: text stays text, files become `FileOutput`, anything else stays the JSON value.

The model's schema decides, never the look of a string alone: a language model may well answer with a link.
https://replicate.com/docs/topics/predictions/output-files
"""

from __future__ import annotations

import base64
import mimetypes
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from .errors import ResponseError
from .schemas import resolved
from .settings import origin

Download = Callable[[str], Iterator[bytes]]

_IN_MEMORY = 2**20  # bytes of an opened file that are kept in memory


class FileOutput:
    """A file that a model made: a URL that reads, saves and (in a notebook) shows itself. Its repr does no I/O.

    Replicate keeps output files for one hour. `str()` gives the URL.
    """

    def __init__(self, url: str, download: Download) -> None:
        self.url = url
        self._download = download
        self._bytes: bytes | None = None

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the file's bytes in pieces, as they are downloaded.

        Raises ResponseError where the file is gone, ConnectionFailed where it comes short.
        """
        if self._bytes is not None:
            yield self._bytes
        elif self.url.startswith("data:"):
            yield _inline(self.url)
        else:
            yield from self._download(self.url)

    def read(self) -> bytes:
        """Give the whole file as bytes; it is fetched once. Raises as `iter_bytes` does."""
        if self._bytes is None:
            self._bytes = b"".join(self.iter_bytes())
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

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file to `path` (in a folder, under its own name) and give the path.

        The file appears under its name only when it is whole. Raises as `iter_bytes` does, and OSError.
        """
        target = Path(path)
        if target.is_dir():
            target = target / self.name
        handle, partial = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self.iter_bytes():
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
            return "output" + (mimetypes.guess_extension(self.mime_type) or "")
        return unquote(_path(self.url)).rpartition("/")[2].lstrip(".") or "output"

    @property
    def mime_type(self) -> str:
        """The file's type by its URL, such as "image/png"."""
        if self.url.startswith("data:"):
            return self.url[5:].partition(",")[0].partition(";")[0] or "text/plain"
        return mimetypes.guess_type(_path(self.url))[0] or "application/octet-stream"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if not self.mime_type.startswith("image/"):
            return {"text/plain": repr(self)}
        return {"text/plain": repr(self), self.mime_type: base64.b64encode(self.read()).decode()}

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

    def __init__(self, url: str, prompt: str, download: Download) -> None:
        super().__init__(url, download)
        self.prompt = prompt


def could_be_either(value: Any) -> bool:
    """Whether only the schema can tell what a value is: one with a string in it that looks like a file, or strings only."""
    if isinstance(value, str):
        return _looks_like_file(value)
    if isinstance(value, dict):
        return any(could_be_either(item) for item in value.values())
    return isinstance(value, list) and any(isinstance(item, str) or could_be_either(item) for item in value)


def result(value: Any, schemas: Mapping[str, Any] | None, download: Download, api: str) -> Any:
    """Give what a person is handed for an output: str, FileOutput, a list of them, or the JSON value with files inside.

    `schemas`: the model's `components.schemas`. Where they do not tell, a value is a file only where the whole of it is a
    data URI, or a URL on Replicate's file hosts or the API's own origin.
    """

    def made(value: Any, schema: Mapping[str, Any]) -> Any:
        schema = resolved(schema, schemas or {})
        kind = schema.get("type")
        if isinstance(value, str):
            is_file = schema.get("format") == "uri" and _looks_like_file(value)
            return FileOutput(value, download) if is_file or (not kind and _on_file_host(value, api)) else value
        if isinstance(value, list):
            if schema.get("x-cog-array-display") == "concatenate" or (not kind and _is_text(value, api)):
                return "".join(item for item in value if isinstance(item, str))
            items = schema.get("items")
            return [made(item, items if isinstance(items, Mapping) else {}) for item in value]
        if isinstance(value, dict):
            known = schema.get("properties")
            known = known if isinstance(known, Mapping) else {}
            return {name: made(item, known.get(name) or {}) for name, item in value.items()}
        return value

    return made(value, (schemas or {}).get("Output") or {})


def _is_text(pieces: list[Any], api: str) -> bool:
    """Whether strings of which no schema tells are the pieces of one text: some begin or end with a blank."""
    if not pieces or not all(isinstance(piece, str) for piece in pieces) or all(_on_file_host(p, api) for p in pieces):
        return False
    return any(piece != piece.strip() or not piece for piece in pieces)


def first_file(value: Any) -> str | None:
    """Give the URL of an output's first file, or None where it has none."""
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return next((item for item in items if isinstance(item, str) and _looks_like_file(item)), None)


def _looks_like_file(text: str) -> bool:
    return text.startswith(("https://", "http://", "data:")) and not any(c.isspace() for c in text[:4096])


def _on_file_host(text: str, api: str) -> bool:
    if not _looks_like_file(text):
        return False
    if text.startswith("data:"):
        return "," in text
    home = origin(text)
    if home is None:
        return False
    host = home[1]
    return host == "replicate.delivery" or host.endswith(".replicate.delivery") or home == origin(api)


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
