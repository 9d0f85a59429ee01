"""A server of raw sockets that responds as a test scripts it, byte by byte: cuts and silences too."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qs, urlsplit

from replicate_sync import Polling, Replicate

TOKEN = "r8_secret_that_must_never_show"
QUICK = Polling(attempts=30, delay=0.01)

CUT = object()  # end the connection with a reset
END = object()  # end the connection in good order

Step = bytes | float | object


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Wire:
    """A server; `respond` returns the steps of a response: bytes, seconds of silence, CUT or END."""

    def __init__(self, respond: Callable[[Request], Iterable[Step]]) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.connections = 0
        self.open = 0
        self.stopping = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True  # else each further piece is 40 ms late

            def handle(self) -> None:
                outer.connections += 1
                outer.open += 1
                try:
                    while (request := _read_request(self.rfile)) and not outer.stopping.is_set():
                        outer.requests.append(request)
                        if not outer.send(self.connection, outer.respond(request)):
                            return
                except OSError:
                    pass
                finally:
                    outer.open -= 1

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 256
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True).start()

    def send(self, connection: socket.socket, steps: Iterable[Step]) -> bool:
        """Take the steps of a response; return whether the connection can take another one."""
        for step in steps:
            if step is CUT:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                return False
            if step is END:
                connection.shutdown(socket.SHUT_WR)
                return False
            if isinstance(step, bytes):
                connection.sendall(step)
            elif self.stopping.wait(step):  # type: ignore[arg-type]
                return False
        return True

    def close(self) -> None:
        """Stop listening."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def seen(self, method: str, path: str) -> list[Request]:
        """Return the requests of a method and path."""
        return [r for r in self.requests if r.method == method and r.path == path]

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> bool:
        """Wait for a condition, and return whether it holds."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.005)
        return condition()


StartWire = Callable[[Callable[[Request], Any]], Wire]
"""The fixture `wire`: starts a server that responds as a function returns."""

MakeClient = Callable[..., Replicate]
"""The fixture `client_of`: makes a client of a server, with quick policies."""


def _read_request(stream: BufferedIOBase) -> Request | None:
    """Return the next request of a connection, or None where its sender is gone."""
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while (raw := stream.readline()) not in (b"\r\n", b"\n"):
        if not raw:
            return None
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    target = urlsplit(line[1])
    query = {name: values[-1] for name, values in parse_qs(target.query, True).items()}
    length = int(headers.get("content-length") or 0)
    body = stream.read(length)
    if len(body) < length:
        return None
    return Request(line[0], target.path, query, headers, body)


def response(body: Any, status: int = 200, **headers: str) -> bytes:
    """Return the bytes of a response with JSON, or with `body` as it is where that is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CLOSE_DELIMITED = STREAM + b"Connection: close\r\n\r\n"
CHUNKED = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: str, number: int | None = None, name: str = "output") -> bytes:
    """Return an event as Replicate writes it."""
    lines = [f"event: {name}"]
    if number is not None:
        lines.append(f"id: 1690212292:{number}")
    lines += [f"data: {line}" for line in data.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()
