"""Files in messages are recognized however a chat program writes them."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.content_parts import MediaPart, parse_part
from replicate_sync.payloads.file_inputs import to_upload

URL = "https://example.com/cat.png"
DATA = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
DATA_URI = f"data:image/png;base64,{DATA}"
PICTURE = Image.new("RGB", (2, 2))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("a", "a"),
        ({"text": "a"}, "a"),
        ({"type": "text", "text": "a"}, "a"),
        ({"type": "input_text", "text": "a"}, "a"),
        ({"type": "image_url", "image_url": {"url": URL, "detail": "low"}}, ("image", URL)),
        ({"type": "image_url", "image_url": URL}, ("image", URL)),
        ({"type": "input_image", "image_url": DATA_URI}, ("image", DATA_URI)),
        ({"type": "image", "image": PICTURE}, ("image", PICTURE)),
        ({"type": "image", "image": b"any"}, ("image", b"any")),
        ({"type": "image", "path": Path("cat")}, ("image", Path("cat"))),
        ({"type": "image", "source": {"type": "url", "url": URL}}, ("image", URL)),
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": DATA},
            },
            ("image", DATA_URI),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            ("audio", "data:audio/wav;base64,AAAA"),
        ),
        ({"type": "video_url", "video_url": {"url": URL}}, ("video", URL)),
        ({"type": "file", "file": {"file_data": DATA_URI, "filename": "a"}}, ("image", DATA_URI)),
        (
            {"type": "file", "file": {"file_data": "AAAA", "filename": "a.pdf"}},
            ("file", "data:application/pdf;base64,AAAA"),
        ),
        (
            {"type": "input_file", "file_url": "https://e.com/a.pdf"},
            ("file", "https://e.com/a.pdf"),
        ),
        (Path("cat.png"), ("image", Path("cat.png"))),
        (Path("cat.mp3"), ("audio", Path("cat.mp3"))),
        (b"\x89PNG\r\n\x1a\n", ("image", b"\x89PNG\r\n\x1a\n")),
        (b"%PDF-1.4", ("file", b"%PDF-1.4")),
        (PICTURE, ("image", PICTURE)),
    ],
)
def test_a_part_is_text_or_a_file_of_a_kind(part: Any, expected: object) -> None:
    parsed = parse_part(part)
    assert parsed == (MediaPart(*expected) if isinstance(expected, tuple) else expected)


def test_an_open_file_is_recognized_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"1")
    with (tmp_path / "a.mp4").open("rb") as file:
        assert parse_part(file) == ("video", file)
    file_without_name = io.BytesIO(b"1")
    assert parse_part({"type": "image", "image": file_without_name}) == ("image", file_without_name)


def test_an_open_file_without_a_name_is_recognized_by_how_it_begins(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n"
    (tmp_path / "picture").write_bytes(png)
    end_to_read, end_to_write = os.pipe()
    os.write(end_to_write, png)
    os.close(end_to_write)
    with os.fdopen(end_to_read, "rb") as pipe:
        for given in (io.BytesIO(png), tmp_path / "picture", pipe):
            part = parse_part(given)
            assert isinstance(part, MediaPart)
            assert part.kind == "image"
            upload = to_upload(part.value)
            assert upload is not None
            assert upload.data_uri() == DATA_URI


HOLDS_ITSELF: dict[str, Any] = {"type": "image"}
HOLDS_ITSELF["image"] = HOLDS_ITSELF


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "image", "image": "cat.png"}, r"neither a URL nor a data URI.*pathlib\.Path"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "neither a URL"),
        ({"type": "image_url", "image_url": {"url": "http://"}}, "neither a URL"),
        ({"type": "image_url", "image_url": {}}, "has no content"),
        ({"type": "image"}, "has no content"),
        ({"type": "file", "file": {"file_id": "f1"}}, "no files of other services"),
        ({"type": "image", "image": 5}, "must be a URL, a data URI or a file, not int"),
        ({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}}, "is not base64"),
        ({"type": "tool_use", "id": "1"}, "'tool_use', which cannot be sent"),
        ({"type": 5}, "which cannot be sent"),
        ({"type": []}, "which cannot be sent"),
        ({"type": "image_url", "image_url": "https://[::1/cat.png"}, "neither a URL"),
        (HOLDS_ITSELF, "must be a URL, a data URI or a file, not dict"),
        ({"type": "text"}, "needs a 'text'"),
        (5, "must be a string or a dict, not int"),
    ],
)
def test_a_part_that_cannot_be_sent_is_an_error(part: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_part(part)
