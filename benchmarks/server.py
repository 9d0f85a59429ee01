"""A Replicate that does what it is ordered: a thread for each connection, and all of it counted.

Bytes are made beforehand. What a prediction does is in its input, the plan:

- {"kind": "events", "count": n, "pace": seconds, "piece": bytes, "closed": bool}: streams n tokens.
  Paced, each is its position and the time at which it was sent; otherwise they are the tape's
  words. A piece is one event, or so many bytes of them: a chunk, unless the body is delimited by
  the end of the connection (`closed`).
- {"kind": "long", "size": bytes, "piece": bytes}: streams one event of that size.
- {"kind": "timed", "seconds": s, "held": bool, "stream": bool}: runs so long; its output is the
  time at which it ended. Where `held`, the response to a request with Prefer: wait is held until
  then.
- {"kind": "file", "size": bytes}, {"kind": "json", "of": "numbers", "size": bytes}: ends at once,
  with that output.

Times are those of `time.perf_counter`, which all processes of a machine share on Linux. The process
prints its origin first, and for each line that it reads the connections and requests so far.
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
from typing import Any, NamedTuple

from . import tape

_DATE = "2026-01-01T00:00:00.000000Z"
_SCHEMA = {
    "components": {
        "schemas": {"Input": {"type": "object", "properties": {}}, "Output": {"title": "Output"}}
    }
}
_VERSION = {
    "id": tape.VERSION,
    "created_at": _DATE,
    "cog_version": "0.14.0",
    "openapi_schema": _SCHEMA,
}
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
_CLOSED = b"Connection: close\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_FILE = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
_JSON = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

_SHORT = 65536  # bytes that are sent together with what is around them

_Plan = dict[str, Any]


class _Request(NamedTuple):
    method: str
    path: str
    #: Whether the response may be held back.
    waits: bool
    body: bytes


class Server:
    """Listens on a port of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        #: Where it is.
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections = itertools.count()
        self._requests = itertools.count()
        self._ids = itertools.count()
        self._running: dict[str, tuple[_Plan, float]] = {}

    def serve(self) -> None:
        """Accept connections, forever."""
        while True:
            connection, _ = self._listener.accept()
            next(self._connections)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def counts(self) -> dict[str, int]:
        """Return the connections and requests so far."""
        return {"connections": _value(self._connections), "requests": _value(self._requests)}

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                for request in _read_requests(connection):
                    next(self._requests)
                    if not self._respond(connection, request):
                        return
            except (ConnectionError, TimeoutError):
                pass  # the client has left, as those do that wait for the first token only

    def _respond(self, connection: socket.socket, request: _Request) -> bool:
        """Respond to a request, and return whether the connection goes on."""
        path = request.path
        if request.method == "POST" and path.endswith("/predictions"):
            pieces = self._create(json.loads(request.body)["input"], request.waits)
            _send_json(connection, 201, pieces)
        elif path.startswith("/stream/"):
            return _send_stream(connection, *self._running[path.rpartition("/")[2]])
        elif path.startswith("/file/"):
            _send_file(connection, int(path.rpartition("/")[2].removesuffix(".bin")))
        elif "/versions/" in path:
            _send_json(connection, 200, [json.dumps(_VERSION).encode()])
        else:
            prediction_id = path.removesuffix("/cancel").rpartition("/")[2]
            plan, began = self._running[prediction_id]
            _send_json(connection, 200, self._prediction(prediction_id, plan, began))
        return True

    def _create(self, plan: _Plan, waits: bool) -> list[bytes]:
        began = perf_counter()
        prediction_id = f"p{next(self._ids):025d}"
        if plan["kind"] == "timed" and waits and plan["held"]:
            sleep(plan["seconds"])
            began = perf_counter() - plan["seconds"]
        else:
            self._running[prediction_id] = (plan, began)
        return self._prediction(prediction_id, plan, began)

    def _prediction(self, prediction_id: str, plan: _Plan, began: float) -> list[bytes]:
        """Return a prediction as JSON, in pieces."""
        url = f"{self.origin}/v1/predictions/{prediction_id}"
        urls = {"get": url, "cancel": f"{url}/cancel"}
        if plan["kind"] in ("events", "long") or plan.get("stream"):
            urls["stream"] = f"{self.origin}/stream/{prediction_id}"
        output = _output(plan, began, self.origin)
        has_ended = output is not None
        prediction = {
            "id": prediction_id,
            "model": tape.MODEL,
            "version": tape.VERSION,
            "input": plan,
            "logs": "",
            "error": None,
            "data_removed": False,
            "created_at": _DATE,
            "started_at": _DATE,
            "completed_at": _DATE if has_ended else None,
            "metrics": {},
            "status": "succeeded" if has_ended else "starting",
            "urls": urls,
        }
        fields = json.dumps(prediction)[:-1].encode()
        return [fields, b',"output":', output or b"null", b"}"]


def _output(plan: _Plan, began: float, origin: str) -> bytes | None:
    """Return the output of a plan as JSON, or None while it runs."""
    if plan["kind"] == "timed":
        end = began + plan["seconds"]
        if perf_counter() < end:
            return None
        return b'"%.6f"' % end
    if plan["kind"] == "file":
        return f'"{origin}/file/{plan["size"]}.bin"'.encode()
    if plan["kind"] == "json":
        return tape.document(plan["of"], plan["size"])
    return None


def _send_stream(connection: socket.socket, plan: _Plan, began: float) -> bool:
    """Send an event stream, and return whether the connection goes on."""
    is_closed = bool(plan.get("closed"))
    connection.sendall(_STREAM + (_CLOSED if is_closed else _CHUNKED))
    if plan["kind"] == "timed":
        end = began + plan["seconds"]
        sleep(max(0.0, end - perf_counter()))
        connection.sendall(_chunk(tape.event(0, f"{end:.6f}")) + _chunk(tape.DONE))
    elif plan.get("pace"):
        _send_paced(connection, plan, is_closed)
    else:
        connection.sendall(_stream_body(json.dumps(plan)))
    if not is_closed:
        connection.sendall(_LAST_CHUNK)
    return not is_closed


def _send_paced(connection: socket.socket, plan: _Plan, is_closed: bool) -> None:
    first = perf_counter() + plan["pace"]
    for number in range(plan["count"]):
        sleep(max(0.0, first + number * plan["pace"] - perf_counter()))
        piece = tape.event(number, f"{number}:{perf_counter():.6f}")
        connection.sendall(piece if is_closed else _chunk(piece))
    connection.sendall(tape.DONE if is_closed else _chunk(tape.DONE))


@cache
def _stream_body(plan: str) -> bytes:
    """Return the whole body of a stream that is not paced."""
    arguments = json.loads(plan)
    texts: Iterable[str] = map(tape.word, range(arguments.get("count", 0)))
    if arguments["kind"] == "long":
        texts = [tape.long_text(arguments["size"])]
    events = [*(tape.event(number, text) for number, text in enumerate(texts)), tape.DONE]
    pieces: Iterable[bytes] = events
    size = arguments.get("piece")
    if size:
        whole = b"".join(events)
        pieces = (whole[start : start + size] for start in range(0, len(whole), size))
    if not arguments.get("closed"):
        pieces = map(_chunk, pieces)
    return b"".join(pieces)


def _send_file(connection: socket.socket, size: int) -> None:
    connection.sendall(_FILE % size)
    for _ in range(size // len(tape.BLOCK)):
        connection.sendall(tape.BLOCK)
    connection.sendall(tape.BLOCK[: size % len(tape.BLOCK)])


def _read_requests(connection: socket.socket) -> Iterator[_Request]:
    """Yield the requests of a connection, until it ends."""
    buffer = b""
    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            arrived = connection.recv(65536)
            if not arrived:
                return
            buffer += arrived
        head = buffer[:end].decode("latin-1")
        start = end + 4
        headers = head.lower().split("\r\n")
        length = 0
        for header in headers:
            if header.startswith("content-length:"):
                length = int(header[15:])
        while len(buffer) < start + length:
            buffer += connection.recv(65536)
        method, target, _ = head.split(" ", 2)
        path = target.partition("?")[0]
        waits = any(header.startswith("prefer:") for header in headers)
        yield _Request(method, path, waits, buffer[start : start + length])
        buffer = buffer[start + length :]


def _send_json(connection: socket.socket, status: int, pieces: list[bytes]) -> None:
    """Send a body; a long piece of it is not copied, as that would count as the peer's time."""
    sent = _JSON % (status, sum(map(len, pieces)))
    for piece in pieces:
        if len(piece) < _SHORT:
            sent += piece
        else:
            connection.sendall(sent)
            connection.sendall(piece)
            sent = b""
    connection.sendall(sent)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _value(count: itertools.count[int]) -> int:
    """Return the value of a counter, without counting."""
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
