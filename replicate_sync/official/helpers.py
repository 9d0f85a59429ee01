"""Files in inputs and outputs, as the official client treats them.

Unlike there, an output file is fetched without the token, redirects are followed, and a text that
begins with "https:" stays a text where the model's schema says that it is one. An input may hold
bytes, pictures, and the `FileOutput` of another model.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import GeneratorType
from typing import IO, TYPE_CHECKING, Any

from ..exceptions import InvalidInputError
from ..payloads import file_output
from ..payloads.file_inputs import to_upload
from ..payloads.schemas import ModelSchema, OutputSchema
from ..payloads.upload import Upload
from .resource import refuse_async

if TYPE_CHECKING:
    from .client import Client

_LISTS = (list, tuple, set, frozenset, GeneratorType)
_ANY_OUTPUT = ModelSchema.unknown().output
_MAX_EXAMINED = 4096  # characters of a URL in which whitespace is looked for


class FileOutput(file_output.FileOutput):
    """A file that a model made: read it at once, or piece by piece by iterating over it.

    It has all that this package's own has: `save`, `image`, `name`, `mime_type`.

    Args:
        url: The file's URL, or a data URI with its content.
        client: The client that fetches it.
    """

    def __init__(self, url: str, client: Client) -> None:
        super().__init__(url, client.downloader)

    def __str__(self) -> str:
        return self.url

    def __getattr__(self, name: str) -> Any:
        refuse_async("'FileOutput' object", "output", name.replace("aread", "async_read"))


def transform_output(value: Any, client: Client, schema: OutputSchema = _ANY_OUTPUT) -> Any:
    """Return an output with a `FileOutput` for each file in it, however deep.

    Args:
        value: The output, as parsed from JSON.
        client: The client that fetches the files.
        schema: What the model's schema says of it; a file is what begins with "https:" or "data:"
            where that says nothing.
    """
    if isinstance(value, Mapping):
        return {
            name: transform_output(item, client, schema.property(name))
            for name, item in value.items()
        }
    if isinstance(value, str):
        if may_be_file(value) and (schema.is_file or not schema.type):
            return FileOutput(value, client)
        return value
    if isinstance(value, Sequence):
        return [transform_output(item, client, schema.items) for item in value]
    return value


def may_be_file(text: str) -> bool:
    """Return whether the whole of a text looks like what the official client takes for a file."""
    if not text.startswith(("https:", "data:")):
        return False
    return not any(map(str.isspace, text[:_MAX_EXAMINED]))


def has_possible_file(value: Any) -> bool:
    """Return whether an output may have a file in it, so that its schema matters."""
    if isinstance(value, str):
        return may_be_file(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, list) and any(map(has_possible_file, value))


def encode_json(obj: Any, client: Client, file_encoding_strategy: str | None = None) -> Any:
    """Return an input as JSON can express it: files are uploaded, and their URLs take their place.

    Args:
        obj: The input, or a value in it.
        client: The client that uploads.
        file_encoding_strategy: "base64" to send files inside the input, as data URIs.

    Raises:
        InvalidInputError: A file cannot be read, or is open as text.
    """
    if isinstance(obj, Mapping):
        return {
            name: encode_json(value, client, file_encoding_strategy) for name, value in obj.items()
        }
    if isinstance(obj, _LISTS):
        return [encode_json(value, client, file_encoding_strategy) for value in obj]
    if isinstance(obj, file_output.FileOutput):
        return obj.url
    if type(obj).__module__ == "numpy" and hasattr(obj, "tolist"):
        return obj.tolist()
    upload = None
    if obj is not None and not isinstance(obj, str | int | float):
        upload = to_upload(obj, "input")
    if upload is None:
        return obj
    if file_encoding_strategy == "base64":
        return upload.data_uri()
    return client.files.create(upload).urls["get"]


def base64_encode_file(file: IO[Any]) -> str:
    """Return a file as a data URI.

    Args:
        file: An open file.
    """
    file.seek(0)
    content: bytes | str = file.read()
    name = str(getattr(file, "name", ""))
    mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if isinstance(content, str):
        content = content.encode()
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def upload_of(file: Any, filename: str | None, content_type: str | None) -> Upload:
    """Return what is to be uploaded.

    Args:
        file: A path, also as a string, an open binary file, bytes or a picture.
        filename: What it is called; by default its own name.
        content_type: Its MIME type; by default the one of its name or its content.

    Raises:
        InvalidInputError: It is no file; a ValueError.
    """
    if isinstance(file, str):
        file = Path(file)
    upload = file if isinstance(file, Upload) else to_upload(file, "file")
    if upload is None:
        raise InvalidInputError("Unsupported file type. Must be a file path or file-like object.")
    if filename:
        upload.name = filename
        upload.mime_type = mimetypes.guess_type(filename)[0] or upload.mime_type
    if content_type:
        upload.mime_type = content_type
    return upload
