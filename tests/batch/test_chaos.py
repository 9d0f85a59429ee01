"""Over a network that cuts and garbles, a call returns the exact text or raises, and pays once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest
from wire import END, MakeClient, Request, StartWire, chunk, event, response

from replicate_sync import ConnectionFailed, Polling, Replicate, ReplicateError, Retries

pytestmark = pytest.mark.scale


CALLS = int(os.environ.get("REPLICATE_SYNC_CHAOS") or 200)
SEED = int(os.environ.get("REPLICATE_SYNC_CHAOS_SEED") or 1)
FAULTY_SHARE = float(os.environ.get("REPLICATE_SYNC_CHAOS_SHARE") or 0.05)  # of the connections
MAX_SECONDS = 30.0  # that one call may take
RUN_TIME = 0.1  # seconds that a prediction runs
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
)


def pieces_of(n: int) -> list[str]:
    """Return what the model writes to the input n.

    The pieces repeat themselves, break lines, and go beyond ASCII.
    """
    chance = random.Random(n)
    words = ["ha", " ha", "\n", "\n\n", f" {n}", "é☃", "", "x" * 50]
    return [chance.choice(words) for _ in range(chance.randint(5, 30))]


def text_of(n: int) -> str:
    return "".join(pieces_of(n))


class TruthfulApi:
    """Predictions that run for 0.1 s, streams that can be resumed, a list, and cancels."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.created: dict[str, dict[str, Any]] = {}
        self.started_at: dict[str, float] = {}
        self.post_count = 0

    def __call__(self, request: Request) -> Iterator[Any]:
        headers = {"Date": formatdate(usegmt=True)}
        if random.random() < 0.3:  # so that there are many connections
            headers["Connection"] = "close"
        if request.path.startswith("/s/"):
            yield from self.stream(request, headers)
        elif request.path == "/v1/predictions" and request.method == "GET":
            yield response({"next": None, "results": self.list(request)}, **headers)
        elif request.path.startswith("/v1/models/") and request.method == "GET":
            yield response({"detail": "not found"}, 404, **headers)
        elif request.method == "GET" or request.path.endswith("/cancel"):
            yield response(self.polled(request.path.split("/")[3]), **headers)
        else:
            if not request.body:
                raise ConnectionAbortedError  # the head of the request was cut
            prediction_id = self.create(request)
            if "prefer" in request.headers:
                yield RUN_TIME + 0.02
            yield response(self.polled(prediction_id), 201, **headers)
        if "Connection" in headers:
            raise ConnectionAbortedError  # which closes the connection

    def list(self, request: Request) -> list[dict[str, Any]]:
        after = request.query.get("created_after", "")
        with self.lock:
            created = dict(self.created)
        return [
            self.polled(one) for one in reversed(created) if created[one]["created_at"] >= after
        ]

    def create(self, request: Request) -> str:
        with self.lock:
            self.post_count += 1
            prediction_id = f"p{self.post_count}"
            now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
            self.started_at[prediction_id] = time.monotonic()
            self.created[prediction_id] = {
                "id": prediction_id,
                "model": "a/b",
                "input": request.json["input"],
                "created_at": now.replace("+00:00", "Z"),
                "urls": {"stream": f"http://{request.headers['host']}/s/{prediction_id}"},
            }
        return prediction_id

    def polled(self, prediction_id: str) -> dict[str, Any]:
        prediction = self.created[prediction_id]
        pieces = pieces_of(prediction["input"]["n"])
        share = (time.monotonic() - self.started_at[prediction_id]) / RUN_TIME
        if share >= 1:
            return {**prediction, "status": "succeeded", "output": pieces}
        written = pieces[: int(share * len(pieces))]
        return {**prediction, "status": "processing", "output": written}

    def stream(self, request: Request, headers: dict[str, str]) -> Iterator[Any]:
        prediction_id = request.path.rpartition("/")[2]
        last_id = request.headers.get("last-event-id")
        first = 0
        if last_id is not None:
            first = int(last_id.rpartition(":")[2]) + 1
        pieces = pieces_of(self.created[prediction_id]["input"]["n"])
        head = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
        yield STREAM_HEAD + head + b"\r\n" + chunk(b": hi\n\n")
        started_at = self.started_at[prediction_id]
        for n in range(first, len(pieces)):
            due_at = started_at + RUN_TIME * (n + 1) / len(pieces)
            yield max(0.0, due_at - time.monotonic())
            yield chunk(event(pieces[n], n))
        yield max(0.0, started_at + RUN_TIME - time.monotonic())
        yield chunk(event("{}", 999, "done")) + b"0\r\n\r\n"


class Fault(NamedTuple):
    """What happens to one connection, after so many bytes in one of its two directions."""

    kind: str
    is_upwards: bool
    after: int
    seconds: float


class Proxy:
    """Passes bytes on between a client and a server, except where a connection has a fault."""

    def __init__(self, origin: str, seed: int, faulty_share: float) -> None:
        host, _, port = origin.removeprefix("http://").rpartition(":")
        self.server_address = host, int(port)
        self.chance = random.Random(seed)
        self.faulty_share = faulty_share
        self.connections: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            fault = self.draw_fault()
            self.connections[fault.kind] += 1
            try:
                server = socket.create_connection(self.server_address)
            except OSError:
                client.close()
                continue
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for is_upwards, source, sink in ((True, client, server), (False, server, client)):
                own_fault = fault
                if is_upwards != fault.is_upwards:
                    own_fault = Fault("none", is_upwards, 0, 0)
                pump = threading.Thread(
                    target=self.pump, args=(source, sink, own_fault), daemon=True
                )
                pump.start()

    def draw_fault(self) -> Fault:
        chance = self.chance
        kind = "none"
        if chance.random() < self.faulty_share:
            kind = chance.choice(["reset", "end", "delay", "head", "frame"])
        is_upwards = kind in ("reset", "end", "delay") and chance.random() < 0.4
        after = chance.choice([0, chance.randint(0, 400), chance.randint(0, 3000)])
        return Fault(kind, is_upwards, after, chance.uniform(0.1, 0.5))

    def pump(self, source: socket.socket, sink: socket.socket, fault: Fault) -> None:
        """Pass on what arrives, until one side closes."""
        with contextlib.suppress(OSError):
            if fault.kind in ("head", "frame"):
                self.pump_garbled(source, sink, fault)
            elif fault.kind != "none":
                self.pump_until_fault(source, sink, fault)
            while data := source.recv(65536):
                sink.sendall(data)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def pump_garbled(self, source: socket.socket, sink: socket.socket, fault: Fault) -> None:
        while data := source.recv(65536):
            garbled = garble(data, fault)
            if garbled is None:
                sink.sendall(data)
                continue
            self.struck[fault.kind] += 1
            sink.sendall(garbled)
            if fault.kind == "frame":
                raise OSError  # what comes after a frame that was cut would fill it up
            return

    def pump_until_fault(self, source: socket.socket, sink: socket.socket, fault: Fault) -> None:
        passed = 0
        while data := source.recv(65536):
            if passed + len(data) <= fault.after:
                sink.sendall(data)
                passed += len(data)
                continue
            self.struck[fault.kind] += 1
            before = data[: fault.after - passed]
            sink.sendall(before)
            if fault.kind == "delay":
                time.sleep(fault.seconds)
                sink.sendall(data[len(before) :])
                return
            if fault.kind == "reset":
                for side in (source, sink):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise OSError


def garble(data: bytes, fault: Fault) -> bytes | None:
    """Return data with a garbled head, or a garbled size of a chunk; None where it has neither.

    The bytes of a body are left as they are: no reader could tell.
    """
    chance = random.Random(fault.after)
    if fault.kind == "frame":
        sizes = [one for one in re.finditer(rb"\r\n([0-9a-f]+)\r\n", data) if one[1] != b"0"]
        if not sizes:
            return None
        start, end = chance.choice(sizes).span(1)
        return data[:start] + chance.choice([b"zz", b"", b"-5"]) + data[end:]
    if not data.startswith(b"HTTP/1.1 "):
        return None
    changes = (
        (b"HTTP/1.1", b"\0\xffHTTP/1.1"),
        (b"HTTP/1.1", b"HTT?/1.1"),
        (b"HTTP/1.1 20", b"HTTP/1.1 x0"),
        (b"HTTP/1.1 20", b"HTTP/1.1 50"),
        (b"Content-Type: ", b"Content-Type: \xfe\0"),
        (b"Content-Length: ", b"Content-Length: 9"),
        (b"Content-Length: ", b"Content-Length: -"),
        (b"Content-Length", b"Content-Len\0gth"),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chonked"),
        (b"\r\n", b""),
        (b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
        (b"Content-Length: ", b"Content-Length: 1\r\nX-Was: "),
    )
    old, new = chance.choice([change for change in changes if change[0] in data])
    return data.replace(old, new, 1)


class CallOutcome(NamedTuple):
    """How one call ended."""

    n: int
    kind: str
    text: str
    error: BaseException | None
    seconds: float

    @property
    def is_exact(self) -> bool:
        return self.error is None and self.text == text_of(self.n)

    @property
    def is_prefix(self) -> bool:
        return text_of(self.n).startswith(self.text)

    @property
    def error_names_prediction(self) -> bool:
        """Whether the error carries the prediction, or says that there may be one."""
        has_prediction = getattr(self.error, "prediction", None) is not None
        return has_prediction or bool(getattr(self.error, "maybe_created", False))


def call(client: Replicate, n: int) -> CallOutcome:
    started = time.monotonic()
    kind = ("stream", "run", "wait")[n % 3]
    text = ""
    error: BaseException | None = None
    try:
        if kind == "stream":
            for piece in client.stream("a/b", {"n": n}):
                text += piece
        elif kind == "run":
            text = "".join(client.run("a/b", {"n": n}))
        else:
            text = "".join(client.predictions.create("a/b", {"n": n}).wait().output)
    except BaseException as raised:  # which it is, is the question
        error = raised
    return CallOutcome(n, kind, text, error, time.monotonic() - started)


def test_over_a_bad_network_a_call_returns_the_exact_text_or_raises_and_creates_nothing_twice(
    wire: StartWire,
) -> None:
    api = TruthfulApi()
    proxy = Proxy(wire(api).origin, SEED, FAULTY_SHARE)
    client = Replicate(
        base_url=proxy.url,
        polling=Polling(100, 0.1),
        retries=Retries(first=0.02, ceiling=0.1),
        timeout=5,
    )
    started = time.monotonic()
    try:
        with ThreadPoolExecutor(8) as threads:
            calls = list(threads.map(lambda n: call(client, n), range(CALLS)))
    finally:
        proxy.listener.close()
    failed = [one for one in calls if one.error is not None]
    exact_count = sum(one.is_exact for one in calls)
    summary = {
        "seed": SEED,
        "calls": CALLS,
        "seconds": round(time.monotonic() - started, 1),
        "connections": proxy.connections.total(),
        "struck": dict(proxy.struck),
        "exact": exact_count,
        "errors": dict(Counter(type(one.error).__name__ for one in failed)),
        "longest": round(max(one.seconds for one in calls), 1),
    }
    print(json.dumps(summary))
    created = Counter(one["input"]["n"] for one in api.created.values())
    succeeded = [one for one in calls if one.error is None]
    assert [one for one in succeeded if not one.is_exact] == [], "wrong text"
    assert [one for one in failed if not isinstance(one.error, ReplicateError)] == []
    assert [one for one in calls if not one.is_prefix] == [], "text that is not the model's"
    assert {n: count for n, count in created.items() if count > 1} == {}, "created twice"
    assert {one.n for one in succeeded} <= set(created)
    lost = [one for one in failed if one.n in created and not one.error_names_prediction]
    assert lost == [], "an error that does not say that there is a prediction"
    assert max(one.seconds for one in calls) < MAX_SECONDS
    assert exact_count >= (1 - FAULTY_SHARE / 2) * CALLS


def test_a_file_whose_response_is_cut_anywhere_is_an_error_and_never_an_empty_file(
    wire: StartWire, client_of: MakeClient
) -> None:
    content = b"PNG" * 20
    file = response(content, Content_Type="image/png", Date=formatdate(usegmt=True))
    schema = {"components": {"schemas": {"Output": {"type": "string", "format": "uri"}}}}
    cut = len(file)

    def reply(request: Request) -> list[Any]:
        if request.path == "/f.png":
            return [file[:cut], END]
        if request.method == "GET":
            return [response({"latest_version": {"id": "v1", "openapi_schema": schema}})]
        url = f"http://{request.headers['host']}/f.png"
        return [response({"id": "p1", "model": "a/b", "status": "succeeded", "output": url}, 201)]

    client = client_of(wire(reply))
    assert client.run("a/b").read() == content
    contents: dict[int, bytes] = {}
    for cut in range(len(file)):
        with contextlib.suppress(ConnectionFailed):
            contents[cut] = client.run("a/b").read()
    assert contents == {}
