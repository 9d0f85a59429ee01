"""The floor: a socket, and no more work than the bytes need. Nobody would write this; nobody can be quicker."""

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
made = json.load(connection.getresponse())
connection.request("GET", urlsplit(made["urls"]["stream"]).path)
for line in connection.getresponse():
    if line.startswith(b"data: "):
        done()
        break
"""


class Peer:
    """A connection for each thread, kept."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._here = threading.local()

    def run(self, plan: dict[str, Any]) -> Any:
        """Give the output of a prediction."""
        body = json.dumps({"version": tape.VERSION, "input": plan})
        made = json.loads(self._whole("POST", "/v1/predictions", body))
        while made["status"] not in ("succeeded", "failed"):
            sleep(0.5)
            made = json.loads(self._whole("GET", "/v1/predictions/" + made["id"]))
        return made["output"]

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        made = json.loads(self._whole("POST", "/v1/predictions", json.dumps({"version": tape.VERSION, "input": plan})))
        connection, head, rest = self._ask("GET", made["urls"]["stream"].removeprefix(self.url))
        pieces = _chunks(connection, rest) if b"chunked" in head else _arriving(connection, rest)
        if b"chunked" not in head:
            del self._here.connection
        for block in _blocks(pieces):
            at = block.find(b"data: ")
            if block.startswith(b"event: output"):
                yield block[at + 6 :].decode()

    def many(self, plans: Iterable[dict[str, Any]], width: int) -> Iterator[Any]:
        """Yield the output of many predictions, so many at a time."""
        with ThreadPoolExecutor(width) as pool:
            yield from pool.map(self.run, plans)

    def read(self, url: str) -> bytearray:
        """Give a file."""
        connection, head, rest = self._ask("GET", url.removeprefix(self.url))
        whole = bytearray(_length(head))
        whole[: len(rest)] = rest
        view, got = memoryview(whole), len(rest)
        while got < len(whole):
            got += connection.recv_into(view[got:])
        return whole

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the pieces of a file."""
        connection, head, rest = self._ask("GET", url.removeprefix(self.url))
        left = _length(head) - len(rest)
        if rest:
            yield rest
        while left:
            piece = connection.recv(262144)
            left -= len(piece)
            yield piece

    def _whole(self, method: str, path: str, body: str = "") -> bytes:
        connection, head, rest = self._ask(method, path, body)
        pieces, left = [rest], _length(head) - len(rest)
        while left:
            pieces.append(connection.recv(262144))
            left -= len(pieces[-1])
        return b"".join(pieces)

    def _ask(self, method: str, path: str, body: str = "") -> tuple[socket.socket, bytes, bytes]:
        """Send a request, and give the connection, the head of the answer and what came with it of the body."""
        if not hasattr(self._here, "connection"):
            self._here.connection = socket.create_connection((self._host, self._port))
        connection: socket.socket = self._here.connection
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nPrefer: wait\r\nAuthorization: Bearer {tape.TOKEN}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        buffer = b""
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += connection.recv(262144)
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
    """Yield what is inside the chunks, until the last one."""
    at = 0
    while True:
        line = buffer.find(b"\r\n", at)
        if line >= 0:
            size = int(buffer[at:line], 16)
            if not size and len(buffer) >= line + 4:
                return
            if size and len(buffer) >= line + size + 4:
                yield buffer[line + 2 : line + 2 + size]
                at = line + size + 4
                continue
        buffer, at = buffer[at:] + connection.recv(65536), 0


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    pending: list[bytes] = []
    for piece in pieces:
        if b"\n\n" not in (pending[-1][-1:] if pending else b"") + piece:
            pending.append(piece)
            continue
        *blocks, last = b"".join([*pending, piece]).split(b"\n\n")
        pending = [last] if last else []
        yield from blocks
