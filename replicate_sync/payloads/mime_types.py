"""The MIME type of a file, by its name or by how its content begins."""

from __future__ import annotations

import mimetypes

_UNKNOWN_TYPE = "application/octet-stream"
_TYPES_BY_BEGINNING = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"\x1f\x8b": "application/gzip",
}
_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_COMPRESSED_TYPES = {  # by the encoding that `mimetypes` finds in a name such as "a.tar.gz"
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}


def type_by_name(name: str) -> str:
    """Return the MIME type of a file by its name, or ""."""
    mime_type, encoding = mimetypes.guess_type(name)
    if encoding:
        return _COMPRESSED_TYPES.get(encoding, _UNKNOWN_TYPE)
    return mime_type or ""


def type_by_beginning(beginning: bytes) -> str:
    """Return the MIME type of a file by how its content begins."""
    if beginning.startswith(b"RIFF"):
        return _RIFF_TYPES.get(beginning[8:12], _UNKNOWN_TYPE)
    if beginning[4:8] == b"ftyp":
        return "video/mp4"
    for start, mime_type in _TYPES_BY_BEGINNING.items():
        if beginning.startswith(start):
            return mime_type
    return _UNKNOWN_TYPE
