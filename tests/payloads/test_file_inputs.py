"""Whatever people have open is sent as what is in it, or refused with a sentence of ours."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import mmap
import os
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from fake_downloader import FakeDownloader
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.file_inputs import to_upload
from replicate_sync.payloads.file_output import FileOutput
from replicate_sync.payloads.upload import MAX_INLINE_SIZE, Upload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LARGE = b"\x89PNG\r\n\x1a\n" + os.urandom(2 * MAX_INLINE_SIZE)


def upload_of(value: object) -> Upload:
    upload = to_upload(value)
    assert upload is not None
    return upload


def content_of(upload: Upload) -> bytes:
    with upload.opened() as file:
        content = file.read()
    assert len(content) == upload.size
    return content


class UploadFile:
    """What FastAPI passes to a route: it is read with await, and has a file that is not."""

    def __init__(self, content: bytes, filename: str | None, content_type: str | None) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=100)  # noqa: SIM115
        self.file.write(content)
        self.filename = filename
        self.content_type = content_type

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    async def seek(self, offset: int) -> None:
        self.file.seek(offset)


class Reader:
    """A reader with nothing but `read`, which returns these values in turn."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = [*pieces]

    def read(self, size: int = -1) -> Any:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece


# -- What is sent ----------------------------------------------------------------------------------


@pytest.fixture(params=[PNG, LARGE], ids=["small", "large"])
def content(request: pytest.FixtureRequest) -> bytes:
    """Return the content of a file."""
    return bytes(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_a_compressed_file_that_is_open_is_sent_as_what_is_read_of_it(
    tmp_path: Path, module: Any, content: bytes
) -> None:
    path = tmp_path / "cat.png.gz"
    with module.open(path, "wb") as file:
        file.write(content)
    with module.open(path, "rb") as file:
        upload = upload_of(file)
        assert upload.mime_type == "image/png"
        assert content_of(upload) == content
    if module is gzip:
        assert upload.name == "cat.png"


def test_a_compressed_file_is_sent_as_it_is_where_its_path_is_given(tmp_path: Path) -> None:
    (tmp_path / "cat.png.gz").write_bytes(gzip.compress(PNG))
    upload = upload_of(tmp_path / "cat.png.gz")
    assert (upload.name, upload.mime_type) == ("cat.png.gz", "application/gzip")
    assert content_of(upload) == gzip.compress(PNG)


def test_the_member_of_an_archive_is_sent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cat.png").write_bytes(content)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", compression) as archive:
            archive.write(tmp_path / "cat.png", "pictures/cat.png")
        with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("pictures/cat.png") as z:
            upload = upload_of(z)
            assert (upload.name, upload.mime_type) == ("cat.png", "image/png")
            assert content_of(upload) == content
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "cat.png", "cat.png")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        upload = upload_of(tar.extractfile("cat.png"))
        # Older versions of Python give a member the name of its archive.
        assert (upload.name, upload.mime_type) == ("file.png", "image/png")
        assert content_of(upload) == content


@pytest.mark.parametrize(
    ("filename", "content_type", "name", "sent_type"),
    [
        ("cat.gif", "image/gif", "cat.gif", "image/gif"),
        ("../../cat.gif", None, "cat.gif", "image/gif"),
        (None, None, "file.png", "image/png"),
        ("cat", "text/html\r\nX-Evil: 1", "cat", "image/png"),
    ],
)
def test_the_upload_that_a_web_framework_received_is_sent(
    content: bytes, filename: Any, content_type: Any, name: str, sent_type: str
) -> None:
    received = UploadFile(content, filename, content_type)
    with received.file:
        upload = upload_of(received)
        assert (upload.name, upload.mime_type) == (name, sent_type)
        assert content_of(upload) == content


def test_a_file_in_memory_that_is_mapped_is_sent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with (tmp_path / "a").open("rb") as file, mmap.mmap(file.fileno(), 0, access=1) as mapped:
        assert content_of(upload_of(mapped)) == content


def test_readers_may_return_any_kind_of_bytes() -> None:
    assert content_of(upload_of(Reader(bytearray(b"ab"), memoryview(b"cd")))) == b"abcd"


def test_what_a_model_made_is_uploaded_under_its_name() -> None:
    file = FileOutput("https://replicate.delivery/a/out.png", FakeDownloader(b"ab", b"c"))
    upload = upload_of(file)
    assert (upload.name, content_of(upload)) == ("out.png", b"abc")


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(LARGE,))
    writer.start()
    assert content_of(upload_of(tmp_path / "pipe")) == LARGE
    writer.join()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_file_whose_length_the_system_does_not_know_is_read() -> None:
    assert content_of(upload_of(Path("/proc/self/status"))).startswith(b"Name:")


def test_an_empty_file_is_sent_as_one(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for value in (tmp_path / "a", b"", io.BytesIO()):
        assert content_of(upload_of(value)) == b""


def test_a_small_file_may_be_closed_before_it_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc")
    with (tmp_path / "a.txt").open("rb") as file:
        upload = upload_of(file)
    assert content_of(upload) == b"abc"
    assert upload.name == "a.txt"


def test_an_open_file_that_many_threads_send_is_whole_in_each_of_them() -> None:
    file = io.BytesIO(LARGE)
    contents: list[str] = []
    threads = [
        threading.Thread(target=lambda: contents.append(upload_of(file).digest())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents == [upload_of(LARGE).digest()] * 8


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        (b"caf\xe9.png", "caf_.png"),
        (b'a"b\\c.png', 'a"b_c.png'),
        (b"a\nb\x1b[31m.png", "a_b_[31m.png"),
        (b".hidden.png", "hidden.png"),
        ("bücher.png".encode(), "bücher.png"),
    ],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: bytes, cleaned: str) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(PNG)
    with open(path, "rb") as file:
        for value in (Path(os.fsdecode(path)), file):
            upload = upload_of(value)
            assert upload.name == cleaned
            assert upload.data_uri().startswith("data:image/png;base64,")


def test_the_pixels_of_a_mask_and_of_sixteen_bits_are_pictures() -> None:
    # Older versions of Pillow read sixteen bits as thirty-two.
    for kind, modes in [("uint8", ["L"]), ("bool", ["1"]), ("uint16", ["I;16", "I"])]:
        upload = upload_of(numpy.ones((4, 5), kind))
        assert Image.open(io.BytesIO(content_of(upload))).mode in modes


# -- What is refused -------------------------------------------------------------------------------


def released() -> memoryview:
    view = memoryview(b"abc")
    view.release()
    return view


def closed(file: Any) -> Any:
    file.close()
    return file


def closed_picture() -> Image.Image:
    picture = Image.new("RGB", (4, 4))
    picture.close()
    return picture


class Stuck(io.RawIOBase):
    """A pipe that nothing has been written to, and that does not wait."""

    def read(self, size: int = -1) -> Any:
        return None


@pytest.fixture
def write_only(tmp_path: Path) -> Iterator[Any]:
    """Yield a file that is open for writing."""
    with (tmp_path / "w").open("wb") as file:
        file.write(LARGE)
        yield file


def test_a_file_that_is_open_for_writing_is_refused(write_only: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"'content' is not open for reading.*mode 'rb'"):
        to_upload(write_only)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: closed(io.BytesIO(b"x")), "is closed. Pass it while it is open"),
        (lambda: closed(tempfile.NamedTemporaryFile()), "is closed"),  # noqa: SIM115
        (lambda: closed(UploadFile(b"x", "a", None).file), "is closed"),
        (released, "cannot be read: operation forbidden on released memoryview"),
        (Stuck, "has no data yet"),
        (lambda: Reader(None), "has no data yet"),
        (Reader, "has no data. What can be read only once may have been read before"),
        (lambda: Reader("text"), "returns text when it is read"),
        (lambda: Reader(5), "cannot be read"),
        (lambda: Reader(b"x", EOFError()), "cannot be read: EOFError"),
        (lambda: Reader(b"x", KeyError("x")), "cannot be read: 'x'"),
        (lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(PNG)[:-20])), "cannot be read"),
        (lambda: gzip.GzipFile(fileobj=io.BytesIO(b"no gzip")), "cannot be read: Not a gzip"),
        (closed_picture, "cannot be written as PNG"),
        (lambda: numpy.zeros(5, "uint8"), r"its shape is \(5,\).*use .tolist\(\)"),
        (lambda: numpy.zeros((5, 1), "uint8"), r"its shape is \(5, 1\)"),
        (lambda: numpy.zeros((1, 5), "uint8"), r"its shape is \(1, 5\)"),
        (lambda: numpy.zeros((5, 5), "int32"), "its type is int32"),
        (lambda: numpy.zeros((5, 5), "float32"), "its type is float32"),
        (lambda: numpy.zeros((5, 5, 5, 3), "uint8"), "its shape is"),
        (lambda: numpy.zeros((0, 0), "uint8"), "its shape is"),
        (
            lambda: numpy.array(["2026-01-01"], "datetime64[ns]"),
            r"type is datetime64\[ns\].*astype",
        ),
        (lambda: Image.new("CMYK", (2, 2)), r"cannot write mode CMYK.*picture.convert\('RGB'\)"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_ours(make: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        to_upload(make())


def test_an_async_file_is_refused_without_a_warning() -> None:
    class AsyncFile:
        async def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(InvalidInputError, match="is read with await"):
        to_upload(AsyncFile())

    async def inside() -> None:
        received = UploadFile(b"x", "a", None)
        with received.file:
            to_upload(received)

    asyncio.run(inside())


def test_a_file_that_is_gone_when_it_is_sent_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    upload = upload_of(tmp_path / "a")
    (tmp_path / "a").unlink()
    large = io.BytesIO(LARGE)
    late = upload_of(large)
    large.close()
    for gone in (upload, late):
        for use in (gone.data_uri, gone.digest):
            with pytest.raises(InvalidInputError, match=r"The file '.*' cannot be read"):
                use()


@given(st.binary(min_size=1, max_size=400), st.integers(1, 50))
def test_what_is_read_in_any_pieces_is_sent_whole(data: bytes, size: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert content_of(upload_of(Reader(*pieces))) == data
