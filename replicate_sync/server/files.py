"""Files of predictions: outputs, which the server serves, and inputs, which it fetches."""

from __future__ import annotations

import base64
import io
import pathlib
import re
import tempfile
import threading
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from . import media_types
from .hosts import loopback
from .schemas import is_image_type
from .uploads import Uploads

if TYPE_CHECKING:
    from PIL import Image

_UPLOAD_PATH = re.compile(r"/v1/files/([^/]+)")
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I")
_FETCH_TIMEOUT = 30  # seconds


class OutputFile(NamedTuple):
    """A file that a model returned.

    Attributes:
        data: Its content.
        type: Its media type.
    """

    data: bytes
    type: str


class Files:
    """The files of a server: those that models returned, by prediction and name, and the uploads.

    Args:
        uploads: The uploaded files of the server.
    """

    def __init__(self, uploads: Uploads | None = None) -> None:
        self.uploads: Uploads = uploads or Uploads()
        self._outputs: dict[tuple[str, str], OutputFile] = {}
        self._lock = threading.Lock()

    def keep(self, prediction: str, data: bytes, suffix: str) -> str:
        """Keep an output, and return its path on the server: `/outputs/{prediction}/out-{n}.png`.

        Args:
            prediction: The id of the prediction whose output it is.
            data: Its content.
            suffix: The suffix of its name, with the dot, or "".
        """
        output = OutputFile(data, media_types.type_of_suffix(suffix))
        with self._lock:
            count = sum(1 for owner, _ in self._outputs if owner == prediction)
            name = f"out-{count}{suffix}"
            self._outputs[prediction, name] = output
        return f"/outputs/{prediction}/{name}"

    def get(self, prediction: str, name: str) -> OutputFile | None:
        """Return an output, or None."""
        return self._outputs.get((prediction, name))

    def delete(self, prediction: str) -> None:
        """Delete the outputs of a prediction."""
        with self._lock:
            for key in [key for key in self._outputs if key[0] == prediction]:
                del self._outputs[key]

    def inline(self, value: object, prediction: str, limit: int) -> object:
        """Return an output with the URLs of its small files replaced by `data:` URIs.

        Args:
            value: The output of a prediction, a JSON value.
            prediction: The id of the prediction.
            limit: How many bytes a file may have to be replaced.
        """
        if isinstance(value, dict):
            return {key: self.inline(item, prediction, limit) for key, item in value.items()}
        if isinstance(value, list):
            return [self.inline(item, prediction, limit) for item in value]
        if not isinstance(value, str) or not value.startswith("http"):
            return value
        _, _, name = value.partition(f"/outputs/{prediction}/")
        output = self.get(prediction, name)
        if output is None or len(output.data) > limit:
            return value
        return f"data:{output.type};base64,{base64.b64encode(output.data).decode()}"

    def fetch_input(self, uri: str, folder: pathlib.Path, origin: str) -> pathlib.Path | str:
        """Return the path of a copy of an input, in `folder`.

        The URL of an upload shows what is known about the file; here it stands for its content.
        A URL of another machine is returned as it is.

        Args:
            uri: A `data:` URI or a URL.
            folder: Where the copy is written.
            origin: Scheme, host and port of this server as the client knows them.

        Raises:
            FileNotFoundError: The upload does not exist.
        """
        match = _UPLOAD_PATH.fullmatch(urllib.parse.urlsplit(uri).path)
        if match is None or not _is_same_server(uri, origin):
            return fetch(uri, folder)
        upload = self.uploads.get(match[1])
        if upload is None:
            raise FileNotFoundError(f"File not found: {uri}")
        suffix = _safe_suffix(pathlib.PurePosixPath(upload.name).suffix)
        return _write(upload.data, suffix or media_types.suffix_of_type(upload.type), folder)


def is_open_file(value: object) -> bool:
    """Return whether a value is an open file, which is an iterator of lines too."""
    return callable(getattr(value, "read", None))


def read_file(value: object) -> tuple[bytes, str] | None:
    """Return content and suffix of a value that is a file, or None for any other value.

    Args:
        value: A path, an open file, bytes or a picture of Pillow, which becomes a PNG.
    """
    if isinstance(value, pathlib.Path):
        return value.read_bytes(), value.suffix
    if _is_image(value):
        return _to_png(value), ".png"
    suffix = ""
    if is_open_file(value):
        suffix = pathlib.PurePath(str(getattr(value, "name", ""))).suffix
        value = _read_open_file(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        return data, suffix or media_types.suffix_of_content(data)
    return None


def fetch(uri: str, folder: pathlib.Path) -> pathlib.Path | str:
    """Return the path of a copy of what a URI leads to, in `folder`.

    Args:
        uri: A `data:` URI, or a URL of this machine; any other URL is returned as it is.
        folder: Where the copy is written.
    """
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme == "data":
        head, _, body = uri[len("data:") :].partition(",")
        data = urllib.parse.unquote_to_bytes(body)
        if head.endswith(";base64"):
            data = base64.b64decode(data)
        return _write(data, media_types.suffix_of_type(head), folder)
    if parts.scheme in ("http", "https") and loopback(parts.hostname):
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with no_proxy.open(uri, timeout=_FETCH_TIMEOUT) as response:
            data = response.read()
        return _write(data, pathlib.PurePosixPath(parts.path).suffix, folder)
    return uri


def _write(data: bytes, suffix: str, folder: pathlib.Path) -> pathlib.Path:
    safe = _safe_suffix(suffix)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=safe, delete=False) as file:
        file.write(data)
    return pathlib.Path(file.name)


def _safe_suffix(suffix: str) -> str:
    # It comes from the client, and must not lead to another folder.
    if re.fullmatch(r"\.[\w+-]{1,30}", suffix):
        return suffix
    return ""


def _is_same_server(url: str, origin: str) -> bool:
    """Return whether a URL leads to the server at `origin`, which may have several names."""
    one = urllib.parse.urlsplit(url)
    other = urllib.parse.urlsplit(origin)
    try:
        if one.netloc == other.netloc:
            return True
        return loopback(one.hostname) and one.port == other.port
    except ValueError:  # a port that is no number
        return False


def _read_open_file(file: object) -> object:
    seekable = getattr(file, "seekable", None)
    seek = getattr(file, "seek", None)
    if callable(seek) and callable(seekable) and seekable():
        seek(0)
    data: object = file.read()  # type: ignore[attr-defined]
    if isinstance(data, str):
        return data.encode()
    return data


def _is_image(value: object) -> TypeGuard[Image.Image]:
    return is_image_type(type(value))


def _to_png(image: Image.Image) -> bytes:
    if image.mode not in _PNG_MODES:
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
