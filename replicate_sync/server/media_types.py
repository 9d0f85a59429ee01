"""Media types of files, by their suffix and by their first bytes."""

from __future__ import annotations

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
    ".mp4": "video/mp4",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".txt": "text/plain",
    ".json": "application/json",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
"""Media types by suffix."""

_SIGNATURES = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"%PDF": ".pdf",
    b"PK\x03\x04": ".zip",
}
_RIFF_SIGNATURES = {b"WEBP": ".webp", b"WAVE": ".wav"}


def type_of_suffix(suffix: str) -> str:
    """Return the media type for a suffix such as ".png"; for an unknown one, that of any bytes."""
    return TYPES.get(suffix.lower(), "application/octet-stream")


def suffix_of_type(media_type: str) -> str:
    """Return the suffix for a media type, with or without parameters; "" for an unknown one."""
    plain = media_type.partition(";")[0].strip()
    return next((suffix for suffix, known in TYPES.items() if known == plain), "")


def suffix_of_content(data: bytes) -> str:
    """Return the suffix for a file that begins with these bytes; "" for an unknown kind."""
    if data[:4] == b"RIFF":
        return _RIFF_SIGNATURES.get(data[8:12], "")
    for signature, suffix in _SIGNATURES.items():
        if data.startswith(signature):
            return suffix
    return ""
