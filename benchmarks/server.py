"""A Replicate that only plays what it is told: a thread for each connection, bytes made beforehand, and all of it counted.

What a prediction is to be stands in its input, the plan:

- {"kind": "events", "count": n, "pace": seconds, "piece": bytes, "closed": bool}: streams n tokens. Paced, each is its place
  and the time at which it was sent; else they are the tape's words. A piece (a chunk, unless the body is delimited by the
  connection's end) is one event, or so many bytes of them.
- {"kind": "long", "size": bytes, "piece": bytes}: streams one event of that size.
- {"kind": "timed", "seconds": s, "held": bool, "stream": bool}: runs so long; its output is the time at which it ended.
  Where `held`, the answer to a request with Prefer: wait is held until then.
- {"kind": "file", "size": bytes}, {"kind": "json", "of": "numbers", "size": bytes}: is over at once, with that output.

Times are those of `time.perf_counter`, which all processes of a machine share on Linux. The process tells its address in
its first line, and for each line that it reads the connections and requests so far.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from time import perf_counter, sleep
from typing import Any

from . import tape

_SCHEMA = {"components": {"schemas": {"Input": {"type": "object", "properties": {}}, "Output": {"title": "Output"}}}}
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"


class Server:
    """Listens on a port of its own, and plays."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = itertools.count()
        self.requests = itertools.count()
        self._numbers = itertools.count()
        self._running: dict[str, tuple[dict[str, Any], float]] = {}

    def serve(self) -> None:
        """Accept connections, for ever."""
        while True:
            connection, _ = self._listener.accept()
            next(self.connections)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def counts(self) -> dict[str, int]:
        """Tell the connections and requests so far; reading a count is no count."""
        return {"connections": _value(self.connections), "requests": _value(self.requests)}

    def _attend(self, connection: socket.socket) -> None:
        with connection:
            try:
                for method, path, held, body in _requests(connection):
                    next(self.requests)
                    if not self._answer(connection, method, path, held, body):
                        return
            except (ConnectionError, TimeoutError):
                pass  # the client has left, as those do that look for the first token only

    def _answer(self, connection: socket.socket, method: str, path: str, held: bool, body: bytes) -> bool:
        """Answer a request; False where the connection is over then."""
        if method == "POST" and path.endswith("/predictions"):
            connection.sendall(self._created(json.loads(body)["input"], held))
        elif path.startswith("/stream/"):
            return self._play(connection, *self._running[path.rpartition("/")[2]])
        elif path.startswith("/file/"):
            _send_file(connection, int(path.rpartition("/")[2].removesuffix(".bin")))
        elif "/versions/" in path:
            version = {"id": tape.VERSION, "created_at": _DATE, "cog_version": "0.14.0", "openapi_schema": _SCHEMA}
            connection.sendall(_json(200, json.dumps(version).encode()))
        else:
            found = path.removesuffix("/cancel").rpartition("/")[2]
            connection.sendall(self._shown(200, found, *self._running[found]))
        return True

    def _created(self, plan: dict[str, Any], held: bool) -> bytes:
        began = perf_counter()
        name = f"p{next(self._numbers):025d}"
        if plan["kind"] == "timed" and held and plan["held"]:
            sleep(plan["seconds"])
            return self._shown(201, name, plan, perf_counter() - plan["seconds"])
        self._running[name] = plan, began
        return self._shown(201, name, plan, began)

    def _shown(self, status: int, name: str, plan: dict[str, Any], began: float) -> bytes:
        ended, output = _output(plan, began, self.origin)
        urls = {"get": f"{self.origin}/v1/predictions/{name}", "cancel": f"{self.origin}/v1/predictions/{name}/cancel"}
        if plan["kind"] in ("events", "long") or plan.get("stream"):
            urls["stream"] = f"{self.origin}/stream/{name}"
        shown = {
            "id": name,
            "model": tape.MODEL,
            "version": tape.VERSION,
            "input": plan,
            "logs": "",
            "error": None,
            "data_removed": False,
            "created_at": _DATE,
            "started_at": _DATE,
            "completed_at": _DATE if ended else None,
            "metrics": {},
            "status": "succeeded" if ended else "starting",
            "urls": urls,
        }
        return _json(status, b'%b,"output":%b}' % (json.dumps(shown)[:-1].encode(), output))

    def _play(self, connection: socket.socket, plan: dict[str, Any], began: float) -> bool:
        closed = bool(plan.get("closed"))
        connection.sendall(_STREAM + (b"Connection: close\r\n\r\n" if closed else b"Transfer-Encoding: chunked\r\n\r\n"))
        if plan["kind"] == "timed":
            sleep(max(0.0, began + plan["seconds"] - perf_counter()))
            connection.sendall(_chunk(tape.event(0, f"{began + plan['seconds']:.6f}")) + _chunk(tape.DONE))
        elif plan.get("pace"):
            first = perf_counter() + plan["pace"]
            for number in range(plan["count"]):
                sleep(max(0.0, first + number * plan["pace"] - perf_counter()))
                piece = tape.event(number, f"{number}:{perf_counter():.6f}")
                connection.sendall(piece if closed else _chunk(piece))
            connection.sendall(tape.DONE if closed else _chunk(tape.DONE))
        else:
            connection.sendall(_body(json.dumps(plan)))
        if not closed:
            connection.sendall(b"0\r\n\r\n")
        return not closed


_DATE = "2026-01-01T00:00:00.000000Z"


def _output(plan: dict[str, Any], began: float, origin: str) -> tuple[bool, bytes]:
    """Tell whether a plan has ended, and its output so far as JSON."""
    kind = plan["kind"]
    if kind == "timed":
        end = began + plan["seconds"]
        return (True, b'"%.6f"' % end) if perf_counter() >= end else (False, b"null")
    if kind == "file":
        return True, f'"{origin}/file/{plan["size"]}.bin"'.encode()
    return (True, tape.document(plan["of"], plan["size"])) if kind == "json" else (False, b"null")


def _requests(connection: socket.socket) -> Iterator[tuple[str, str, bool, bytes]]:
    """Yield method, path, whether the answer may be held, and body of each request."""
    buffer = b""
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            more = connection.recv(65536)
            if not more:
                return
            buffer += more
        head = buffer[:end].decode("latin-1")
        lines = head.lower().split("\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
        while len(buffer) < end + 4 + length:
            buffer += connection.recv(65536)
        method, path, _ = head.split(" ", 2)
        held = any(line.startswith("prefer:") for line in lines)
        yield method, path.partition("?")[0], held, buffer[end + 4 : end + 4 + length]
        buffer = buffer[end + 4 + length :]


def _json(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


@cache
def _body(plan: str) -> bytes:
    """Give the whole body of a stream that is not paced."""
    given = json.loads(plan)
    texts = [tape.long_text(given["size"])] if given["kind"] == "long" else map(tape.word, range(given["count"]))
    events = [*(tape.event(number, text) for number, text in enumerate(texts)), tape.DONE]
    pieces: Iterable[bytes] = events
    if size := given.get("piece"):
        whole = b"".join(events)
        pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    return b"".join(pieces if given.get("closed") else map(_chunk, pieces))


def _send_file(connection: socket.socket, size: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // len(tape.BLOCK)):
        connection.sendall(tape.BLOCK)
    connection.sendall(tape.BLOCK[: size % len(tape.BLOCK)])


def _value(count: itertools.count[int]) -> int:
    return int(repr(count)[6:-1])


def main() -> None:
    """Serve until stdin ends."""
    server = Server()
    threading.Thread(target=server.serve, daemon=True).start()
    print(server.origin, flush=True)
    for _ in sys.stdin:
        print(json.dumps(server.counts()), flush=True)


if __name__ == "__main__":
    main()
