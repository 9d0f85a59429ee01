"""The parts of a message's content: text, and the files beside it, whatever they are called.

Chat programs write a picture in several ways: `image_url` and `input_audio` as OpenAI does, `image`
with a `source` as Anthropic does, or simply the file itself. All of them become a `MediaPart`,
whose value is a URL, a data URI, or what stands for a file in a model's input.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..exceptions import InvalidInputError, excerpt
from .file_output import FileOutput
from .upload import UploadedFile

MediaKind = Literal["image", "audio", "video", "file"]

TEXT_TYPES = frozenset({"", "text", "input_text", "output_text"})
_KINDS: dict[str, MediaKind] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "input_video": "video",
    "file": "file",
    "file_url": "file",
    "input_file": "file",
    "document": "file",
}
_VALUE_KEYS = (
    "image_url",
    "audio_url",
    "video_url",
    "file_url",
    "url",
    "source",
    "file_data",
    "data",
    "path",
    "image",
    "audio",
    "video",
    "file",
)
_MIME_KEYS = ("media_type", "mime_type")
_MAX_DEPTH = 5  # dicts around a file
_MAX_SHOWN = 60  # characters


class MediaPart(NamedTuple):
    """A file in a message."""

    kind: MediaKind
    #: A URL, a data URI, or what stands for a file in a model's input.
    value: object


def parse_part(part: object) -> str | MediaPart:
    """Return a part of a message's content: its text, or the file that it is.

    Args:
        part: A string, a dict with a `type`, or a file: bytes, a path, an open binary file, a
            picture or a `FileOutput`.

    Raises:
        InvalidInputError: It is none of these, or of an unknown type.
    """
    if isinstance(part, str):
        return part
    if is_file(part):
        return media_part(part)
    if not isinstance(part, Mapping):
        raise InvalidInputError(
            f"A part of a message must be a string or a dict, not {type(part).__name__}."
        )
    part_type = part.get("type", "")
    is_text = isinstance(part_type, str)
    if is_text and part_type in TEXT_TYPES:
        return _text(part)
    if not is_text or part_type not in _KINDS:
        raise InvalidInputError(
            f"A part of a message is of the type {part_type!r}, which cannot be sent.",
            hint=f"The types are text, {', '.join(_KINDS)}.",
        )
    return _parse_media(part, part_type)


def is_file(value: object) -> bool:
    """Return whether a value stands for a file by itself: bytes, a path, a picture and so on."""
    if isinstance(value, bytes | bytearray | memoryview | os.PathLike | FileOutput | UploadedFile):
        return True
    is_picture = type(value).__module__.partition(".")[0] in ("PIL", "numpy")
    return is_picture or callable(getattr(value, "read", None))


def media_part(value: object, kind: MediaKind | None = None) -> MediaPart:
    """Return a file as a part of a message.

    Args:
        value: A URL, a data URI, or a file.
        kind: What it is; None to tell that from its name, and from how its content begins.

    Raises:
        InvalidInputError: It is neither a URL nor a file.
    """
    if isinstance(value, str):
        _validate_url(value, kind or "file")
    elif not is_file(value):
        raise InvalidInputError(
            f"{_article(kind or 'file')} in a message must be a URL, a data URI or a file, "
            f"not {type(value).__name__}."
        )
    if kind is None or kind == "file":
        mime_type = _mime_type(value)
        if not mime_type and not isinstance(value, str | UploadedFile):
            from .file_inputs import to_upload  # late, as most files have a name

            upload = to_upload(value, "file")
            assert upload is not None
            mime_type = upload.mime_type  # told by how it begins
            if callable(getattr(value, "read", None)):
                value = upload  # what was read of a pipe is not there a second time
        kind = _kind_of_type(mime_type)
    return MediaPart(kind, value)


def _text(part: Mapping[str, object]) -> str:
    text = part.get("text")
    if not isinstance(text, str):
        raise InvalidInputError("A text part of a message needs a 'text', which is a string.")
    return text


def _parse_media(part: Mapping[str, object], part_type: str) -> MediaPart:
    kind = _KINDS[part_type]
    value = _first_value(part, (part_type, *_VALUE_KEYS))
    mime_type = _mime_type_of_part(part, kind)
    # A source of Anthropic's, or an `image_url`, `input_audio` or `file` of OpenAI's, is a dict.
    for _ in range(_MAX_DEPTH):
        if not isinstance(value, Mapping):
            break
        mime_type = _mime_type_of_part(value, kind) or mime_type
        value = _first_value(value, _VALUE_KEYS)
    if value is None:
        hint = "Give it a 'url', or put the file itself into the message."
        if "file_id" in str(part):
            hint = "Replicate knows no files of other services by an id; pass the file itself."
        raise InvalidInputError(
            f"{_article(kind)} of the type {part_type!r} in a message has no content.", hint=hint
        )
    if isinstance(value, str) and mime_type and not _has_scheme(value):
        value = _data_uri(value, mime_type, kind)
    return media_part(value, kind)


def _first_value(part: Mapping[str, object], keys: tuple[str, ...]) -> object:
    for key in keys:
        value = part.get(key)
        if value is not None:
            return value
    return None


def _mime_type_of_part(part: Mapping[str, object], kind: MediaKind) -> str:
    for key in _MIME_KEYS:
        mime_type = part.get(key)
        if isinstance(mime_type, str):
            return mime_type
    audio_format = part.get("format")
    if isinstance(audio_format, str) and kind != "file":
        return f"{kind}/{audio_format}"
    name = part.get("filename")
    if isinstance(name, str):
        return mimetypes.guess_type(name)[0] or "application/octet-stream"
    return ""


def _data_uri(data: str, mime_type: str, kind: MediaKind) -> str:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(
            f"The data of {_article(kind).lower()} in a message is not base64: {error}."
        ) from error
    return f"data:{mime_type};base64,{data}"


def _has_scheme(text: str) -> bool:
    return text.startswith(("https://", "http://", "data:"))


def _validate_url(text: str, kind: MediaKind) -> None:
    is_url = text.startswith("data:") and "," in text
    if text.startswith(("https://", "http://")):
        is_url = bool(_parsed_url(text).netloc) and not any(map(str.isspace, text))
    if not is_url:
        shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
        raise InvalidInputError(
            f"{_article(kind)} in a message is {excerpt(shown)!r}, "
            "which is neither a URL nor a data URI.",
            hint="For a file on this machine pass its path: pathlib.Path('…').",
        )


def _parsed_url(text: str) -> SplitResult:
    """Return a URL in its parts, all of them empty where it is none."""
    try:
        return urlsplit(text)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _mime_type(value: object) -> str:
    """Return the MIME type of a file in a message, "" where nothing says it."""
    if isinstance(value, str):
        if value.startswith("data:"):
            return value[len("data:") :].partition(",")[0].partition(";")[0]
        return mimetypes.guess_type(_parsed_url(value).path)[0] or ""
    if isinstance(value, FileOutput):
        return value.mime_type
    if isinstance(value, UploadedFile):
        return str(getattr(value, "content_type", None) or "")
    if isinstance(value, os.PathLike):
        return mimetypes.guess_type(os.fsdecode(value))[0] or ""
    if type(value).__module__.partition(".")[0] in ("PIL", "numpy"):
        return "image/png"
    name = getattr(value, "name", "")
    if isinstance(name, str):
        return mimetypes.guess_type(name)[0] or ""
    return ""


def _kind_of_type(mime_type: str) -> MediaKind:
    main_type = mime_type.partition("/")[0]
    if main_type == "image":
        return "image"
    if main_type == "audio":
        return "audio"
    if main_type == "video":
        return "video"
    return "file"


def _article(kind: MediaKind) -> str:
    if kind in ("image", "audio"):
        return f"An {kind} part" if kind == "audio" else "An image"
    return f"A {kind}"
