"""A file's media type follows from its suffix, and its suffix from its type or its content."""

from __future__ import annotations

import pytest

from replicate_sync.server import media_types


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [(".png", "image/png"), (".JPG", "image/jpeg"), (".csv", "text/csv")],
)
def test_a_suffix_has_a_type(suffix: str, media_type: str) -> None:
    assert media_types.type_of_suffix(suffix) == media_type
    assert media_types.type_of_suffix(f"{suffix}x") == "application/octet-stream"


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [
        ("image/jpeg", ".jpg"),
        ("text/plain; charset=utf-8", ".txt"),
        ("text/plain;base64", ".txt"),
        ("image/unknown", ""),
        ("", ""),
    ],
)
def test_a_type_has_a_suffix(media_type: str, suffix: str) -> None:
    assert media_types.suffix_of_type(media_type) == suffix


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (b"\x89PNG\r\n", ".png"),
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"GIF89a", ".gif"),
        (b"%PDF-1.7", ".pdf"),
        (b"PK\x03\x04", ".zip"),
        (b"RIFF....WEBPVP8", ".webp"),
        (b"RIFF....WAVEfmt", ".wav"),
        (b"RIFF....AVI LIST", ""),
        (b"text", ""),
        (b"", ""),
    ],
)
def test_content_has_a_suffix(data: bytes, suffix: str) -> None:
    assert media_types.suffix_of_content(data) == suffix
