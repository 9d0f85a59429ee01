"""Files: those that models make, which the server keeps and serves, and those that are given to them."""

from __future__ import annotations

import base64
import io
import pathlib
import re
import tempfile
import threading
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from .hosts import loopback
from .uploads import Uploads

TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
    ".gif": "image/gif", ".svg": "image/svg+xml", ".mp4": "video/mp4", ".mp3": "audio/mpeg",
    ".wav": "audio/wav", ".txt": "text/plain", ".json": "application/json", ".csv": "text/csv",
    ".pdf": "application/pdf", ".zip": "application/zip",
}  # fmt: skip
_SIGNS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"%PDF": ".pdf",
    b"PK\x03\x04": ".zip",
}
_UPLOAD = re.compile(r"/v1/files/([^/]+)")


class Kept(NamedTuple):
    """A file that is served: its bytes and their media type."""

    data: bytes
    type: str


class Files:
    """The files that models have made, by prediction and name, and beside them those that were uploaded."""

    def __init__(self, uploads: Uploads | None = None) -> None:
        self.uploads = uploads or Uploads()
        self._kept: dict[tuple[str, str], Kept] = {}
        self._lock = threading.Lock()

    def keep(self, prediction: str, data: bytes, suffix: str) -> str:
        """Keep a file, and give its path on the server: `/outputs/{prediction}/out-{n}{suffix}`."""
        with self._lock:
            count = sum(1 for owner, _ in self._kept if owner == prediction)
            name = f"out-{count}{suffix}"
            self._kept[prediction, name] = Kept(data, TYPES.get(suffix.lower(), "application/octet-stream"))
        return f"/outputs/{prediction}/{name}"

    def get(self, prediction: str, name: str) -> Kept | None:
        """Give a kept file, or None."""
        return self._kept.get((prediction, name))

    def drop(self, prediction: str) -> None:
        """Forget the files of a prediction."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == prediction]:
                del self._kept[key]

    def inlined(self, value: Any, prediction: str, limit: int) -> Any:
        """Give an output with each URL of a kept file of at most `limit` bytes as a `data:` URI with its content."""
        if isinstance(value, dict):
            return {key: self.inlined(one, prediction, limit) for key, one in value.items()}
        if isinstance(value, list):
            return [self.inlined(one, prediction, limit) for one in value]
        before, found, name = value.partition(f"/outputs/{prediction}/") if isinstance(value, str) else ("", "", "")
        kept = self.get(prediction, name) if found and before.startswith("http") else None
        if kept is None or len(kept.data) > limit:
            return value
        return f"data:{kept.type};base64,{base64.b64encode(kept.data).decode()}"

    def fetch(self, value: str, folder: pathlib.Path, origin: str) -> pathlib.Path | str:
        """Give the file behind a URI, put in `folder`; one that leads away from this machine stays as it is.

        The URL of an uploaded file, which says no more than what is known of it, is taken for its content;
        `origin` is where the client has seen this server.
        Raises FileNotFoundError for an upload that is not there.
        """
        found = _UPLOAD.fullmatch(urllib.parse.urlsplit(value).path)
        if found is None or not _same(value, origin):
            return fetch(value, folder)
        upload = self.uploads.get(found[1])
        if upload is None:
            raise FileNotFoundError(f"File not found: {value}")
        suffix = _plain(pathlib.PurePosixPath(upload.name).suffix) or _suffix_of(upload.type)
        return _put(upload.data, suffix, folder)


def is_file(value: Any) -> bool:
    """Tell whether a value is an open file, which is an iterator of lines too."""
    return callable(getattr(value, "read", None))


def content(value: Any) -> tuple[bytes, str] | None:
    """Give the bytes and the suffix of a value that is a file, else None.

    Files are paths, open files, bytes and Pillow's images; an image becomes a PNG.
    """
    if isinstance(value, pathlib.Path):
        return value.read_bytes(), value.suffix
    if any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__):
        return _png(value), ".png"
    name = ""
    if is_file(value):
        name = str(getattr(value, "name", ""))
        if callable(getattr(value, "seek", None)) and value.seekable():
            value.seek(0)
        value = value.read()
        value = value.encode() if isinstance(value, str) else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        return data, pathlib.PurePath(name).suffix or _suffix(data)
    return None


def fetch(value: str, folder: pathlib.Path) -> pathlib.Path | str:
    """Give the file behind a `data:` URI or a URL on this machine, put in `folder`; else the URL itself."""
    parts = urllib.parse.urlsplit(value)
    if parts.scheme == "data":
        head, _, body = value[5:].partition(",")
        raw = urllib.parse.unquote_to_bytes(body)
        data = base64.b64decode(raw) if head.endswith(";base64") else raw
        suffix = _suffix_of(head)
    elif parts.scheme in ("http", "https") and loopback(parts.hostname):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(value, timeout=30) as response:
            data = response.read()
        suffix = pathlib.PurePosixPath(parts.path).suffix
    else:
        return value
    return _put(data, suffix, folder)


def _put(data: bytes, suffix: str, folder: pathlib.Path) -> pathlib.Path:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=_plain(suffix), delete=False) as file:
        file.write(data)
    return pathlib.Path(file.name)


def _plain(suffix: str) -> str:
    # It comes from the client, and the name of a file must stay one.
    return suffix if re.fullmatch(r"\.[\w+-]{1,30}", suffix) else ""


def _same(url: str, origin: str) -> bool:
    """Tell whether a URL leads to the server at `origin`, which may have another name there."""
    one, other = urllib.parse.urlsplit(url), urllib.parse.urlsplit(origin)
    try:
        return one.netloc == other.netloc or (loopback(one.hostname) and one.port == other.port)
    except ValueError:  # a port that is no number
        return False


def _suffix_of(media: str) -> str:
    kind = media.partition(";")[0].strip()
    return next((suffix for suffix, known in TYPES.items() if known == kind), "")


def _png(image: Any) -> bytes:
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I"):
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _suffix(data: bytes) -> str:
    if data[:4] == b"RIFF":
        return {b"WEBP": ".webp", b"WAVE": ".wav"}.get(data[8:12], "")
    return next((suffix for sign, suffix in _SIGNS.items() if data.startswith(sign)), "")
