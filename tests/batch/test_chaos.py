"""Over a network that cuts, delays and garbles, each call ends in the exact text or in an error of this package, once."""

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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest
from wire import END, Request, Wire, answer, event

from replicate_sync import ConnectionFailed, Polling, Replicate, ReplicateError, Retries

pytestmark = pytest.mark.scale

Start = Callable[[Callable[[Request], Any]], Wire]

CALLS = int(os.environ.get("REPLICATE_SYNC_CHAOS") or 200)
SEED = int(os.environ.get("REPLICATE_SYNC_CHAOS_SEED") or 1)
SHARE = float(os.environ.get("REPLICATE_SYNC_CHAOS_SHARE") or 0.05)  # of the connections, which suffer
LONGEST = 30.0  # seconds that one call may take
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


def truth(n: int) -> list[str]:
    """What the model writes to the input n: pieces that repeat themselves, break lines, and go beyond ASCII."""
    chance = random.Random(n)
    return [chance.choice(["ha", " ha", "\n", "\n\n", f" {n}", "é☃", "", "x" * 50]) for _ in range(chance.randint(5, 30))]


class Api:
    """A truthful API: predictions that grow for 0.1 s, streams with ids that can be resumed, a list, cancels."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.created: dict[str, dict[str, Any]] = {}
        self.began: dict[str, float] = {}
        self.posts = 0

    def __call__(self, request: Request) -> Iterator[Any]:
        close = {"Connection": "close"} if random.random() < 0.3 else {}  # so that there are many connections
        date = {"Date": formatdate(usegmt=True), **close}
        if request.path.startswith("/s/"):
            yield from self.stream(request.path.rsplit("/", 1)[-1], request.headers.get("last-event-id"), close)
        elif request.path == "/v1/predictions" and request.method == "GET":
            after = request.query.get("created_after", "")
            with self.lock:
                known = [self.seen(p) for p in reversed(self.created) if self.created[p]["created_at"] >= after]
            yield answer({"next": None, "results": known}, **date)
        elif request.path.startswith("/v1/models/") and request.method == "GET":
            yield answer({"detail": "not found"}, 404, **date)
        elif request.method == "GET" or request.path.endswith("/cancel"):
            yield answer(self.seen(request.path.split("/")[3]), **date)
        else:
            if not request.body:
                raise ConnectionAbortedError  # its head was cut
            mine = self.create(request)
            if "prefer" in request.headers:
                yield 0.12
            yield answer(self.seen(mine), 201, **date)
        if close:
            raise ConnectionAbortedError  # which closes the connection

    def create(self, request: Request) -> str:
        with self.lock:
            self.posts += 1
            mine = f"p{self.posts}"
            now = datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
            urls = {"stream": f"http://{request.headers['host']}/s/{mine}"}
            self.began[mine] = time.monotonic()
            self.created[mine] = {
                "id": mine, "model": "a/b", "input": request.json["input"], "created_at": now, "urls": urls
            }  # fmt: skip
        return mine

    def seen(self, mine: str) -> dict[str, Any]:
        pieces = truth(self.created[mine]["input"]["n"])
        share = (time.monotonic() - self.began[mine]) / 0.1
        if share >= 1:
            return {**self.created[mine], "status": "succeeded", "output": pieces}
        return {**self.created[mine], "status": "processing", "output": pieces[: int(share * len(pieces))]}

    def stream(self, mine: str, last: str | None, close: dict[str, str]) -> Iterator[Any]:
        pieces = truth(self.created[mine]["input"]["n"])
        first = 0 if last is None else int(last.rpartition(":")[2]) + 1
        yield STREAM + b"".join(f"{n}: {v}\r\n".encode() for n, v in close.items()) + b"\r\n" + framed(b": hi\n\n")
        for n, piece in list(enumerate(pieces))[first:]:
            due = self.began[mine] + 0.1 * (n + 1) / len(pieces)
            if (left := due - time.monotonic()) > 0:
                yield left
            yield framed(event(piece, n))
        yield max(0.0, self.began[mine] + 0.1 - time.monotonic())
        yield framed(event("{}", 999, "done")) + b"0\r\n\r\n"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Fate(NamedTuple):
    """What happens to one connection, behind so many bytes of one of its two directions."""

    kind: str
    upwards: bool
    at: int
    seconds: float


class Proxy:
    """Hands bytes on between a client and a server, except where a connection has another fate."""

    def __init__(self, there: str, seed: int, share: float) -> None:
        host, _, port = there.removeprefix("http://").rpartition(":")
        self.there = host, int(port)
        self.chance = random.Random(seed)
        self.share = share
        self.fates: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/v1"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            fate = self.fate()
            self.fates[fate.kind] += 1
            try:
                server = socket.create_connection(self.there)
            except OSError:
                client.close()
                continue
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for upwards, (source, sink) in ((True, (client, server)), (False, (server, client))):
                mine = fate if upwards == fate.upwards else Fate("none", upwards, 0, 0)
                threading.Thread(target=self.pump, args=(source, sink, mine), daemon=True).start()

    def fate(self) -> Fate:
        chance = self.chance
        kinds = ["reset", "end", "delay", "head", "frame"]
        kind = chance.choice(kinds) if chance.random() < self.share else "none"
        upwards = kind in ("reset", "end", "delay") and chance.random() < 0.4
        return Fate(
            kind, upwards, chance.choice([0, chance.randint(0, 400), chance.randint(0, 3000)]), chance.uniform(0.1, 0.5)
        )

    def pump(self, source: socket.socket, sink: socket.socket, fate: Fate) -> None:
        passed, due = 0, fate.kind != "none"
        try:
            while data := source.recv(65536):
                if due and fate.kind in ("head", "frame"):
                    changed = garbled(data, fate)
                    due = changed is None
                    self.struck[fate.kind] += not due
                    sink.sendall(data if changed is None else changed)
                    if not due and fate.kind == "frame":
                        break  # what comes behind a frame that is cut would fill it up
                    continue
                if due and passed + len(data) > fate.at:
                    due = False
                    self.struck[fate.kind] += 1
                    sink.sendall(data[: fate.at - passed])
                    if fate.kind == "reset":
                        for side in (source, sink):
                            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if fate.kind != "delay":
                        break
                    time.sleep(fate.seconds)
                    data = data[fate.at - passed :]
                    passed = fate.at
                sink.sendall(data)
                passed += len(data)
        except OSError:
            pass
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def garbled(data: bytes, fate: Fate) -> bytes | None:
    """Spoil the head of an answer, or the frame of a chunk, so that it shows; None where there is none in the data.

    Bytes of the body are left as they are: no reader could tell.
    """
    chance = random.Random(fate.at)
    if fate.kind == "frame":
        frames = [found for found in re.finditer(rb"\r\n([0-9a-f]+)\r\n", data) if found[1] != b"0"]
        if not frames:
            return None
        start, end = chance.choice(frames).span(1)
        return data[:start] + chance.choice([b"zz", b"", b"-5"]) + data[end:]
    if not data.startswith(b"HTTP/1.1 "):
        return None
    spoiled = (
        b"\0\xff" + data,
        data.replace(b"HTTP/1.1", b"HTT?/1.1", 1),
        data.replace(b"HTTP/1.1 20", b"HTTP/1.1 x0", 1),
        data.replace(b"HTTP/1.1 20", b"HTTP/1.1 50", 1),
        data.replace(b"Content-Type: ", b"Content-Type: \xfe\0", 1),
        data.replace(b"Content-Length: ", b"Content-Length: 9", 1),
        data.replace(b"Content-Length: ", b"Content-Length: -", 1),
        data.replace(b"Content-Length", b"Content-Len\0gth", 1),
        data.replace(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chonked", 1),
        data.replace(b"\r\n", b"", 1),
        data.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1),
        data.replace(b"Content-Length: ", b"Content-Length: 1\r\nX-Was: ", 1),
    )
    return chance.choice([one for one in spoiled if one != data])


class Ending(NamedTuple):
    """How one call ended."""

    n: int
    how: str
    text: str | None
    error: BaseException | None
    seconds: float


def said(error: Any) -> bool:
    """Whether an error gives the prediction, or says that there may be one."""
    return error.prediction is not None or getattr(error, "maybe_created", False)


def call(client: Replicate, n: int) -> Ending:
    began, text = time.monotonic(), ""
    how = ("stream", "run", "wait")[n % 3]
    try:
        if how == "stream":
            for piece in client.stream("a/b", {"n": n}):
                text += piece
        elif how == "run":
            text = "".join(client.run("a/b", {"n": n}))
        else:
            text = "".join(client.predictions.create("a/b", {"n": n}).wait().output)
    except BaseException as error:  # which it is, is the question
        return Ending(n, how, text, error, time.monotonic() - began)
    return Ending(n, how, text, None, time.monotonic() - began)


def test_through_a_bad_network_comes_the_exact_text_or_an_error_and_nothing_is_paid_for_twice(wire: Start) -> None:
    api = Api()
    server = wire(api)
    proxy = Proxy(server.origin, SEED, SHARE)
    client = Replicate(base_url=proxy.url, polling=Polling(100, 0.1), retries=Retries(first=0.02, ceiling=0.1), timeout=5)
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(8) as threads:
            endings = list(threads.map(lambda n: call(client, n), range(CALLS)))
    finally:
        proxy.listening.close()
    errors = Counter(type(ending.error).__name__ for ending in endings if ending.error is not None)
    exact = sum(ending.error is None and ending.text == "".join(truth(ending.n)) for ending in endings)
    told = {
        "seed": SEED, "calls": CALLS, "seconds": round(time.monotonic() - began, 1), "connections": proxy.fates.total(),
        "struck": dict(proxy.struck), "exact": exact, "errors": dict(errors),
        "longest": round(max(ending.seconds for ending in endings), 1),
    }  # fmt: skip
    print(json.dumps(told))
    assert [e for e in endings if e.error is None and e.text != "".join(truth(e.n))] == [], "wrong text"
    assert [e for e in endings if e.error is not None and not isinstance(e.error, ReplicateError)] == [], "a foreign error"
    early = [e for e in endings if e.how == "stream" and not "".join(truth(e.n)).startswith(e.text or "")]
    assert early == [], "text before an error that is not the model's"
    created = Counter(p["input"]["n"] for p in api.created.values())
    assert {n: times for n, times in created.items() if times > 1} == {}, "paid for twice"
    assert {e.n for e in endings if e.error is None} <= set(created)
    unsaid = [e for e in endings if e.n in created and e.error is not None and not said(e.error)]
    assert unsaid == [], "an error that does not tell of the prediction that there is"
    assert max(ending.seconds for ending in endings) < LONGEST
    assert exact >= (1 - SHARE / 2) * CALLS


def test_a_file_whose_answer_was_cut_anywhere_is_an_error_and_never_an_empty_file(wire: Start, client_of: Any) -> None:
    file = answer(b"PNG" * 20, Content_Type="image/png", Date=formatdate(usegmt=True))
    schema = {"components": {"schemas": {"Output": {"type": "string", "format": "uri"}}}}
    cut = len(file)

    def reply(request: Request) -> list[Any]:
        if request.path == "/f.png":
            return [file[:cut], END]
        if request.method == "GET":
            return [answer({"latest_version": {"id": "v1", "openapi_schema": schema}})]
        ended = {"id": "p1", "model": "a/b", "status": "succeeded", "output": f"http://{request.headers['host']}/f.png"}
        return [answer(ended, 201)]

    client = client_of(wire(reply))
    assert client.run("a/b").read() == b"PNG" * 20
    read: dict[int, bytes] = {}
    for cut in range(len(file)):
        try:
            read[cut] = client.run("a/b").read()
        except ConnectionFailed:
            continue
    assert read == {}
