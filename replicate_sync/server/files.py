"""Files: those that models make, which the server keeps and serves, and those that are given to them."""

from __future__ import annotations

import base64
import io
import pathlib
import tempfile
import threading
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

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
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Kept(NamedTuple):
    """A file that is served: its bytes and their media type."""

    data: bytes
    type: str


class Files:
    """The files that models have made, by prediction and name."""

    def __init__(self) -> None:
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
        media = head.partition(";")[0]
        suffix = next((suffix for suffix, kind in TYPES.items() if kind == media), "")
    elif parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(value, timeout=30) as response:
            data = response.read()
        suffix = pathlib.PurePosixPath(parts.path).suffix
    else:
        return value
    with tempfile.NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as file:
        file.write(data)
    return pathlib.Path(file.name)


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
