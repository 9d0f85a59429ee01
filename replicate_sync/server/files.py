"""The files of a server: what models returned, which it serves, and what clients uploaded."""

from __future__ import annotations

import base64
import io
import pathlib
import threading
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from . import media_types
from .blobs import Blob, Blobs
from .schemas import is_image_type
from .uploads import Uploads

if TYPE_CHECKING:
    from PIL import Image

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I")


class OutputFile(NamedTuple):
    """A file that a model returned.

    Attributes:
        blob: Its content.
        type: Its media type.
    """

    blob: Blob
    type: str


class Files:
    """The files of a server: those that models returned, by prediction and name, and the uploads.

    Args:
        uploads: The uploaded files of the server.
        blobs: Where the contents of outputs are.
    """

    def __init__(self, uploads: Uploads, blobs: Blobs) -> None:
        self.uploads: Uploads = uploads
        self._blobs = blobs
        self._outputs: dict[str, dict[str, OutputFile]] = {}
        self._lock = threading.Lock()

    def keep(self, prediction: str, data: bytes, suffix: str) -> str:
        """Keep an output, and return its path on the server: `/outputs/{prediction}/out-{n}.png`.

        Args:
            prediction: The id of the prediction whose output it is.
            data: Its content.
            suffix: The suffix of its name, with the dot, or "".
        """
        media_type = media_types.type_of_suffix(suffix)
        with self._lock:
            outputs = self._outputs.setdefault(prediction, {})
            name = f"out-{len(outputs)}{suffix}"
            outputs[name] = OutputFile(self._blobs.keep(prediction, name, data), media_type)
        return f"/outputs/{prediction}/{name}"

    def restore(self, prediction: str) -> None:
        """Find the outputs that a prediction had before a restart."""
        found = self._blobs.find(prediction)
        if not found:
            return
        with self._lock:
            self._outputs[prediction] = {
                name: OutputFile(blob, media_types.type_of_suffix(pathlib.Path(name).suffix))
                for name, blob in found.items()
            }

    def get(self, prediction: str, name: str) -> OutputFile | None:
        """Return an output, or None."""
        return self._outputs.get(prediction, {}).get(name)

    def delete(self, prediction: str) -> None:
        """Delete the outputs of a prediction."""
        with self._lock:
            if self._outputs.pop(prediction, None) is not None:
                self._blobs.delete(prediction)

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
        if output is None or output.blob.size > limit:
            return value
        return f"data:{output.type};base64,{base64.b64encode(output.blob.data).decode()}"


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
