"""The files in an input go to the API inside of it or as uploads, through a client."""

from __future__ import annotations

import base64
import io
import socket
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wire import TOKEN, Request, Wire, response

from replicate_sync import InvalidInputError, Replicate
from replicate_sync.payloads.upload import MAX_INLINE_SIZE

Start = Callable[[Callable[[Request], Any]], Wire]


class Api:
    """Takes uploads and predictions, and keeps what it was sent."""

    def __init__(self) -> None:
        self.uploads: list[Request] = []
        self.inputs: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> list[bytes]:
        if request.path == "/v1/files":
            self.uploads.append(request)
            url = f"https://api/files/{len(self.uploads)}"
            return [response({"id": "f", "urls": {"get": url}}, 201)]
        self.inputs.append(request.json["input"])
        return [response({"id": "p1", "status": "succeeded", "output": 1, "input": {}}, 201)]


def sent(wire: Start, client_of: Any, value: Any) -> tuple[Any, list[Request]]:
    """Run a model, and return what it was sent for the value, and the uploads."""
    api = Api()
    client_of(wire(api)).run("a/b", {"x": value})
    return api.inputs[0]["x"], api.uploads


def content(upload: Request) -> bytes:
    """Return the file in a form, between its own head and the closing boundary."""
    boundary = upload.headers["content-type"].partition("boundary=")[2]
    part = upload.body.split(f"--{boundary}".encode())[2]
    return part.partition(b"\r\n\r\n")[2][:-2]


class Once(io.RawIOBase):
    """A stream that can be read once, and not sought in."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(size)

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("size", [0, 1, MAX_INLINE_SIZE - 1, MAX_INLINE_SIZE])
def test_a_small_file_travels_inside_the_input(
    wire: Start, client_of: Any, tmp_path: Path, size: int
) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * size)
    uri, uploads = sent(wire, client_of, tmp_path / "a.txt")
    assert uri == "data:text/plain;base64," + base64.b64encode(b"x" * size).decode()
    assert uploads == []


@pytest.mark.parametrize("size", [MAX_INLINE_SIZE + 1, 3_000_000])
def test_a_larger_file_is_uploaded_under_its_name_and_type(
    wire: Start, client_of: Any, tmp_path: Path, size: int
) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "bücher.mp3").write_bytes(data)
    url, [upload] = sent(wire, client_of, tmp_path / "bücher.mp3")
    assert url == "https://api/files/1"
    assert content(upload) == data
    assert int(upload.headers["content-length"]) == len(upload.body)
    assert (
        b'name="content"; filename="b?cher.mp3"; '
        b"filename*=UTF-8''b%C3%BCcher.mp3\r\nContent-Type: audio/mpeg" in upload.body
    )
    assert upload.headers["authorization"] == f"Bearer {TOKEN}"


def test_the_same_file_is_uploaded_once(wire: Start, client_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * (MAX_INLINE_SIZE + 1))
    data = b"y" * (MAX_INLINE_SIZE + 1)
    given = [path, {"a": (path, data), "b": [data, b"z"]}, "text", 5]
    received, uploads = sent(wire, client_of, given)
    assert received == [
        "https://api/files/1",
        {
            "a": ["https://api/files/1", "https://api/files/2"],
            "b": ["https://api/files/2", "data:application/octet-stream;base64,eg=="],
        },
        "text",
        5,
    ]
    assert len(uploads) == 2


def test_a_stream_that_can_be_read_once_is_uploaded_whole(wire: Start, client_of: Any) -> None:
    data = b"x" * (MAX_INLINE_SIZE + 1)
    _, [upload] = sent(wire, client_of, Once(data))
    assert content(upload) == data


def test_a_file_in_a_streamed_prediction_is_sent_too(wire: Start, client_of: Any) -> None:
    api = Api()
    list(client_of(wire(api)).stream("a/b", {"x": Once(b"abc")}))
    assert api.inputs[0]["x"].endswith(base64.b64encode(b"abc").decode())


def test_nothing_is_sent_of_an_input_with_an_unusable_file(
    wire: Start, client_of: Any, tmp_path: Path
) -> None:
    server = wire(Api())
    client = client_of(server)
    large = b"x" * (MAX_INLINE_SIZE + 1)
    for value in (tmp_path / "missing", io.StringIO("x"), object()):
        with pytest.raises(InvalidInputError):
            client.run("a/b", {"large": large, "x": [value]})
    assert server.requests == []


@pytest.mark.slow
def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    size = 20 * 2**20
    with (tmp_path / "long").open("wb") as long:
        long.truncate(size)
    lengths = []
    listener = socket.create_server(("127.0.0.1", 0))

    def swallow() -> None:
        connection, _ = listener.accept()
        with connection:
            stream = connection.makefile("rb")
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    lengths.append(int(line.split(b":")[1]))
            remaining = lengths[0]
            buffer = bytearray(65536)
            while remaining:
                remaining -= stream.readinto1(memoryview(buffer)[:remaining])
            connection.sendall(response({"id": "f", "urls": {"get": "u"}}, 201))

    threading.Thread(target=swallow, daemon=True).start()
    client = Replicate(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30)
    tracemalloc.start()
    try:
        client.files.create(tmp_path / "long")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        listener.close()
    assert lengths[0] > size
    assert peak < 4 * 2**20
