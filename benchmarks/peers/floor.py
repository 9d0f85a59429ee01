"""The floor: a socket, and no more work than the bytes need. Nobody would write this."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

from .. import tape

IMPORT = "import http.client, json"
PROGRAM = """
from urllib.parse import urlsplit
host = urlsplit(url).netloc
connection = http.client.HTTPConnection(host)
body = json.dumps({"version": ref.partition(":")[2], "input": plan})
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
connection.request("POST", "/v1/predictions", body, headers)
prediction = json.load(connection.getresponse())
connection.request("GET", urlsplit(prediction["urls"]["stream"]).path)
for line in connection.getresponse():
    if line.startswith(b"data: "):
        done()
        break
"""

_SIZE = 262144  # bytes that are received at a time
_DATA = b"data: "


class Peer:
    """A connection for each thread, which stays open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._thread = threading.local()

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        prediction = self._create(plan)
        while prediction["status"] not in ("succeeded", "failed"):
            sleep(0.5)
            prediction = json.loads(self._fetch("GET", "/v1/predictions/" + prediction["id"]))
        return prediction["output"]

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        path = self._create(plan)["urls"]["stream"].removeprefix(self.url)
        connection, head, rest = self._send("GET", path)
        if b"chunked" in head:
            pieces = _chunks(connection, rest)
        else:
            pieces = _arriving(connection, rest)
            del self._thread.connection
        for block in _blocks(pieces):
            if block.startswith(b"event: output"):
                yield block[block.find(_DATA) + len(_DATA) :].decode()

    def many(self, plans: Iterable[dict[str, Any]], width: int) -> Iterator[Any]:
        """Yield the output of many predictions, so many at a time."""
        with ThreadPoolExecutor(width) as pool:
            yield from pool.map(self.run, plans)

    def read(self, url: str) -> bytearray:
        """Return a file."""
        connection, head, rest = self._send("GET", url.removeprefix(self.url))
        content = bytearray(_length(head))
        content[: len(rest)] = rest
        view = memoryview(content)
        received = len(rest)
        while received < len(content):
            received += connection.recv_into(view[received:])
        return content

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the pieces of a file."""
        connection, head, rest = self._send("GET", url.removeprefix(self.url))
        remaining = _length(head) - len(rest)
        if rest:
            yield rest
        while remaining:
            piece = connection.recv(_SIZE)
            remaining -= len(piece)
            yield piece

    def _create(self, plan: dict[str, Any]) -> Any:
        body = json.dumps({"version": tape.VERSION, "input": plan})
        return json.loads(self._fetch("POST", "/v1/predictions", body))

    def _fetch(self, method: str, path: str, body: str = "") -> bytes:
        """Send a request, and return the body of its response."""
        connection, head, rest = self._send(method, path, body)
        pieces = [rest]
        remaining = _length(head) - len(rest)
        while remaining:
            pieces.append(connection.recv(_SIZE))
            remaining -= len(pieces[-1])
        return b"".join(pieces)

    def _send(self, method: str, path: str, body: str = "") -> tuple[socket.socket, bytes, bytes]:
        """Send a request.

        Returns:
            The connection, the head of the response, and what came with it of the body.
        """
        if not hasattr(self._thread, "connection"):
            self._thread.connection = socket.create_connection((self._host, self._port))
        connection: socket.socket = self._thread.connection
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\n"
            f"Host: {self._host}\r\n"
            "Prefer: wait\r\n"
            f"Authorization: Bearer {tape.TOKEN}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        buffer = b""
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += connection.recv(_SIZE)
        return connection, buffer[:end], buffer[end + 4 :]


def _length(head: bytes) -> int:
    return int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])


def _arriving(connection: socket.socket, rest: bytes) -> Iterator[bytes]:
    if rest:
        yield rest
    while piece := connection.recv(65536):
        yield piece
    connection.close()


def _chunks(connection: socket.socket, buffer: bytes) -> Iterator[bytes]:
    """Yield the content of the chunks, until the last one."""
    start = 0
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end >= 0:
            size = int(buffer[start:line_end], 16)
            if not size and len(buffer) >= line_end + 4:
                return
            if size and len(buffer) >= line_end + size + 4:
                yield buffer[line_end + 2 : line_end + 2 + size]
                start = line_end + size + 4
                continue
        buffer = buffer[start:] + connection.recv(65536)
        start = 0


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the events in a stream's pieces, without the blank line behind each."""
    pending: list[bytes] = []
    for piece in pieces:
        last_byte = pending[-1][-1:] if pending else b""
        pending.append(piece)
        if b"\n\n" not in last_byte + piece:
            continue
        *blocks, last = b"".join(pending).split(b"\n\n")
        pending = [last] if last else []
        yield from blocks
