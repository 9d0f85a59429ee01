"""Files go in as what a person has, and come out whole, however large, and whatever the line does."""

from __future__ import annotations

import base64
import io
import socket
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image
from wire import CUT, END, TOKEN, Request, Wire, answer

from replicate_sync import ConnectionFailed, FileOutput, InvalidInputError, Replicate, ResponseError
from replicate_sync.inputs import INLINE, LONGEST

Start = Callable[[Callable[[Request], Any]], Wire]


class Api:
    """Takes uploads and runs; keeps what it was given."""

    def __init__(self) -> None:
        self.uploads: list[Request] = []
        self.inputs: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> list[bytes]:
        if request.path == "/v1/files":
            self.uploads.append(request)
            return [answer({"id": "f", "urls": {"get": f"https://api/files/{len(self.uploads)}"}}, 201)]
        self.inputs.append(request.json["input"])
        return [answer({"id": "p1", "status": "succeeded", "output": 1, "input": {}}, 201)]


def given_to(wire: Start, client_of: Any, value: Any) -> tuple[Any, list[Request]]:
    api = Api()
    client_of(wire(api)).run("a/b", {"x": value})
    return api.inputs[0]["x"], api.uploads


def content(upload: Request) -> bytes:
    """The file in a form, between its own head and the closing boundary."""
    boundary = upload.headers["content-type"].partition("boundary=")[2]
    part = upload.body.split(f"--{boundary}".encode())[2]
    return part.partition(b"\r\n\r\n")[2][:-2]


@pytest.mark.parametrize("size", [0, 1, INLINE - 1, INLINE])
def test_a_small_file_travels_inside_the_input(wire: Start, client_of: Any, tmp_path: Path, size: int) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * size)
    uri, uploads = given_to(wire, client_of, tmp_path / "a.txt")
    assert uri == "data:text/plain;base64," + base64.b64encode(b"x" * size).decode()
    assert uploads == []


@pytest.mark.parametrize("size", [INLINE + 1, 3_000_000])
def test_a_larger_file_is_uploaded_under_its_name_and_type(wire: Start, client_of: Any, tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "bücher.mp3").write_bytes(data)
    url, [upload] = given_to(wire, client_of, tmp_path / "bücher.mp3")
    assert url == "https://api/files/1"
    assert content(upload) == data
    assert int(upload.headers["content-length"]) == len(upload.body)
    assert (
        b'name="content"; filename="b?cher.mp3"; filename*=UTF-8\'\'b%C3%BCcher.mp3\r\nContent-Type: audio/mpeg'
        in upload.body
    )
    assert upload.headers["authorization"] == f"Bearer {TOKEN}"


def picture() -> Image.Image:
    return Image.new("RGB", (4, 4), "red")


def test_what_people_have_stands_for_a_file(wire: Start, client_of: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    with (tmp_path / "a.png").open("rb") as file, tempfile.NamedTemporaryFile(suffix=".wav") as named:
        named.write(b"RIFF")
        for value, start in [
            (file, "data:image/png;base64,"),
            (named, "data:audio/x-wav;base64,UklGRg=="),
            (io.BytesIO(b"GIF89a"), "data:image/gif;base64,"),
            (b"%PDF-1.7", "data:application/pdf;base64,"),
            (bytearray(b"abc"), "data:application/octet-stream;base64,YWJj"),
            (picture(), "data:image/png;base64,"),
            (FileOutput("https://replicate.delivery/x.png", lambda url: iter(())), "https://replicate.delivery/x.png"),
        ]:
            uri, _ = given_to(wire, client_of, value)
            assert uri.replace("audio/wav", "audio/x-wav").startswith(start)
        assert not file.closed


def test_an_array_with_the_pixels_of_an_image_is_a_picture_and_other_numbers_are_not(wire: Start, client_of: Any) -> None:
    for shape in ((4, 5), (4, 5, 3), (4, 5, 4)):
        uri, _ = given_to(wire, client_of, numpy.zeros(shape, "uint8"))
        assert Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))).size == (5, 4)
    assert given_to(wire, client_of, [numpy.int64(5), numpy.float32(0.5), numpy.bool_(True)])[0] == [5, 0.5, True]
    with pytest.raises(InvalidInputError, match=r"array of pixels is one of uint8.*\.tolist\(\)"):
        given_to(wire, client_of, numpy.zeros((4, 5, 7), "float64"))


def test_a_file_that_was_read_before_is_sent_from_its_beginning(wire: Start, client_of: Any) -> None:
    file = io.BytesIO(b"abcdef")
    file.read(3)
    assert given_to(wire, client_of, file)[0].endswith(base64.b64encode(b"abcdef").decode())


def test_files_are_found_however_deep_and_the_same_is_uploaded_once(wire: Start, client_of: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * (INLINE + 1))
    path, data = tmp_path / "a.bin", b"y" * (INLINE + 1)
    given, uploads = given_to(wire, client_of, [path, {"a": (path, data), "b": [data, b"z"]}, "text", 5])
    assert given == [
        "https://api/files/1",
        {
            "a": ["https://api/files/1", "https://api/files/2"],
            "b": ["https://api/files/2", "data:application/octet-stream;base64,eg=="],
        },
        "text",
        5,
    ]
    assert len(uploads) == 2


class Once(io.RawIOBase):
    """A stream that can be read once, and not gone back in."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(size)

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("size", [10, INLINE + 1])
def test_a_stream_that_can_be_read_once_is_sent_whole(wire: Start, client_of: Any, size: int) -> None:
    given, uploads = given_to(wire, client_of, Once(b"x" * size))
    assert (content(uploads[0]) if uploads else base64.b64decode(given.partition(",")[2])) == b"x" * size


def test_a_stream_in_a_chat_is_sent_whole_too(wire: Start, client_of: Any) -> None:
    api = Api()
    list(client_of(wire(api)).stream("a/b", {"x": Once(b"abc")}))
    assert api.inputs[0]["x"].endswith(base64.b64encode(b"abc").decode())


class Endless(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return b"x" * 2**20


def test_what_cannot_be_sent_is_said_before_anything_is(wire: Start, client_of: Any, tmp_path: Path) -> None:
    server = wire(Api())
    client = client_of(server)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(LONGEST + 1)
    (tmp_path / "text").write_text("x")
    with (tmp_path / "text").open() as text:
        for value, says in [
            (tmp_path / "huge", "104,857,601 bytes, and at most 100 MB"),
            (Endless(), "at most 100 MB"),
            (tmp_path / "missing", "cannot be read"),
            (tmp_path, "cannot be read"),
            (text, "open it with mode 'rb'"),
            (io.StringIO("x"), "open it with mode 'rb'"),
        ]:
            with pytest.raises(InvalidInputError, match=says):
                client.run("a/b", {"x": [value]})
    assert server.requests == []


def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as long:
        long.truncate(40 * 2**20)
    got = [0]
    listener = socket.create_server(("127.0.0.1", 0))

    def swallow() -> None:
        connection, _ = listener.accept()
        with connection:
            stream = connection.makefile("rb")
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    got[0] = int(line.split(b":")[1])
            left, buffer = got[0], bytearray(65536)
            while left:
                left -= stream.readinto1(memoryview(buffer)[:left])
            connection.sendall(answer({"id": "f", "urls": {"get": "u"}}, 201))

    threading.Thread(target=swallow, daemon=True).start()
    client = Replicate(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30)
    tracemalloc.start()
    try:
        client.files.create(tmp_path / "long")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        listener.close()
    assert got[0] > 40 * 2**20
    assert peak < 4 * 2**20


# -- Out -----------------------------------------------------------------------------------------------------------------


def served(data: bytes, *, cut_at: tuple[int, ...] = (), ranges: bool = True, tags: Iterator[str] | None = None) -> Any:
    """Serve a file; each connection but the last is cut at the next of `cut_at`."""
    cuts = list(cut_at)

    def reply(request: Request) -> list[Any]:
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if ranges else 0
        head = f"HTTP/1.1 {206 if start else 200} X\r\nETag: {next(tags) if tags else 'e'}\r\nContent-Length: {len(data) - start}\r\n"
        head += f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n" if start else ""
        if cuts:
            return [head.encode() + b"\r\n" + data[start : cuts.pop(0)], 0.05, CUT if len(cuts) % 2 else END]
        return [head.encode() + b"\r\n" + data[start:]]

    return reply


DATA = bytes(range(256)) * 4096


def output(server: Wire, client: Any) -> FileOutput:
    return FileOutput(f"{server.origin}/out.bin", client._transport.download)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cuts", [(), (0,), (1,), (300_000,), (10, 700_000, 1_000_000)])
def test_a_download_that_is_cut_goes_on_where_it_was(
    wire: Start, client_of: Any, tmp_path: Path, cuts: Any, ranges: bool
) -> None:
    server = wire(served(DATA, cut_at=cuts, ranges=ranges))
    assert output(server, client_of(server)).read() == DATA
    server = wire(served(DATA, cut_at=cuts, ranges=ranges))
    assert output(server, client_of(server)).save(tmp_path / "x").read_bytes() == DATA
    assert all("authorization" not in request.headers for request in server.requests)


def test_a_file_that_changed_meanwhile_is_not_patched_together(wire: Start, client_of: Any) -> None:
    server = wire(served(DATA, cut_at=(1000,), tags=iter("ab")))
    with pytest.raises(ResponseError, match="the same file as before the cut"):
        output(server, client_of(server)).read()


def test_a_download_that_gets_nowhere_ends(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [CUT])
    with pytest.raises(ConnectionFailed):
        output(server, client_of(server)).read()
    assert len(server.requests) <= 5


def test_a_file_is_opened_iterated_and_seen_as_a_picture(wire: Start, client_of: Any) -> None:
    written = io.BytesIO()
    picture().save(written, "PNG")
    server = wire(served(written.getvalue()))
    file = output(server, client_of(server))
    with file.open() as opened:
        opened.seek(1)
        assert opened.read(3) == b"PNG"
    assert b"".join(file.iter_bytes()) == written.getvalue()
    assert file.image().size == (4, 4)
    assert FileOutput(
        "data:image/png;base64," + base64.b64encode(written.getvalue()).decode(), file._download
    ).image().size == (4, 4)


def test_a_large_download_takes_little_memory(wire: Start, client_of: Any, tmp_path: Path) -> None:
    piece = b"x" * 2**20
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * 2**20), *[piece] * 100])
    file = output(server, client_of(server))
    tracemalloc.start()
    try:
        assert file.save(tmp_path / "x").stat().st_size == 100 * 2**20
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20
