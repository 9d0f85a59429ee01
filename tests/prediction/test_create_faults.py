"""What goes wrong on the way of a create: it is sent once, looked up, and nothing is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wire import CUT, END, MakeClient, Request, StartWire, response

from replicate_sync import ConnectionFailed, Replicate, Retries
from replicate_sync.prediction import lookup

VERSION = "ab" * 32


def prediction(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": status, **fields}


class Api:
    """Creates a prediction at each POST, responds to it with the given steps, and lists it."""

    def __init__(self, *first_response: Any, delay: float = 0.0) -> None:
        self.first_response = first_response
        self.delay = delay
        self.created: list[dict[str, Any]] = []
        self.listed_from = 0.0

    def __call__(self, request: Request) -> list[Any]:
        if request.method == "POST":
            number = len(self.created) + 1
            new = prediction(id=f"p{number}", input=request.json["input"], output=number)
            self.created.append(new)
            self.listed_from = time.monotonic() + self.delay
            return list(self.first_response) if number == 1 else [response(new, 201)]
        is_listed = time.monotonic() >= self.listed_from
        listed = self.created[::-1] if is_listed else []
        if request.path.endswith("/predictions"):
            return [response({"next": None, "previous": None, "results": listed})]
        return [response(self.created[0])]


# -- A proxy ---------------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy that passes all on, and breaks after a create has arrived at the API."""

    def __init__(self, break_with: object) -> None:
        self.break_with = break_with
        self.creates = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            head = client.recv(65536)
        else:
            host, _, port = target.split("/")[2].rpartition(":")
        with socket.create_connection((host, int(port))) as server, client:
            while head:
                if b"POST" in head[:10]:
                    body = head
                    while not body.endswith(b"}"):
                        body += client.recv(65536)
                    server.sendall(body)
                    server.recv(65536)  # the API has responded; the proxy breaks
                    self.creates += 1
                    if self.break_with is CUT:
                        linger = socket.SO_LINGER
                        client.setsockopt(socket.SOL_SOCKET, linger, b"\1\0\0\0\0\0\0\0")
                    return
                server.sendall(head)
                client.sendall(server.recv(1_000_000))
                head = client.recv(65536)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def start_proxy() -> Iterator[Callable[[object], Proxy]]:
    """Return a function that starts proxies."""
    proxies: list[Proxy] = []

    def start(break_with: object) -> Proxy:
        proxies.append(Proxy(break_with))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


@pytest.mark.slow
@pytest.mark.parametrize("break_with", [CUT, END], ids=["reset", "closed"])
def test_a_create_behind_a_proxy_is_sent_once_and_adopted(
    wire: StartWire,
    client_of: MakeClient,
    start_proxy: Callable[[object], Proxy],
    break_with: object,
) -> None:
    api = Api(response(prediction(), 201))
    proxy = start_proxy(break_with)
    assert client_of(wire(api), proxy=proxy.url).run("a/b", {"prompt": "x"}) == 1
    assert len(api.created) == 1
    assert proxy.creates == 1


# -- Responses that are none -----------------------------------------------------------------------

TWO_LENGTHS = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken",
    [
        TWO_LENGTHS,
        response(b"", 302, Location="http://[bad"),
        response(b"", 302, Location="https://[::1"),
        b"HTTP/1.1 201 Created\r\nContent-Length: nine\r\n\r\n{}",
        b"HTTP/9 hello\r\n\r\n",
    ],
    ids=["two lengths", "a bad Location", "half a Location", "an odd length", "no HTTP"],
)
def test_a_response_that_cannot_be_used_never_means_that_nothing_was_created(
    wire: StartWire, client_of: MakeClient, broken: bytes
) -> None:
    api = Api(broken, END)
    client = client_of(wire(api))
    assert client.run("a/b", {"prompt": "x"}) == 1
    assert len(api.created) == 1


@pytest.mark.parametrize("status", [100, 102, 103])
def test_what_comes_before_a_response_is_not_the_response(
    wire: StartWire, client_of: MakeClient, status: int
) -> None:
    interim = f"HTTP/1.1 {status} X\r\nLink: </a>\r\n\r\n".encode()
    api = Api(interim, 0.01, interim + response(prediction(output=1), 201))
    server = wire(api)
    assert client_of(server).run("a/b", {"prompt": "x"}) == 1
    assert [request.method for request in server.requests] == ["POST"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "steps",
    [
        [b'{"id": "p1", "model": "a/', END],
        [b'{"id":"p1","input":{"prompt":"x', CUT],
        [b'{ "id" : "p1"', 5.0],
    ],
    ids=["closed", "reset", "silent"],
)
def test_a_response_that_breaks_behind_the_id_needs_no_look_up(
    wire: StartWire, client_of: MakeClient, steps: list[Any]
) -> None:
    api = Api(b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n", 0.01, *steps)
    server = wire(api)
    assert client_of(server, timeout=0.2).run("a/b", {"prompt": "x"}) == 1
    assert len(api.created) == 1
    assert not server.seen("GET", "/v1/predictions")


# -- Look-ups --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_the_api_still_processes_is_found(
    wire: StartWire, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "PROCESSING_TIME", 0.4)
    api = Api(CUT, delay=0.3)
    assert client_of(wire(api)).run("a/b", {"prompt": "x"}) == 1
    assert len(api.created) == 1


@pytest.mark.slow
def test_two_equal_predictions_are_named_and_none_is_adopted(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [CUT]
        listed = [prediction(id="mine"), prediction(id="theirs")]
        return [response({"next": None, "results": listed})]

    with pytest.raises(ConnectionFailed, match=r"It may be (mine or theirs|theirs or mine)"):
        client_of(wire(reply)).run("a/b", {"prompt": "x"})


@pytest.mark.slow
def test_two_clients_of_a_process_never_adopt_the_same(
    wire: StartWire, client_of: MakeClient
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [CUT]
        return [response({"next": None, "results": [prediction(id="p1", output=5)]})]

    server = wire(reply)
    assert client_of(server).run("a/b", {"prompt": "x"}) == 5
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server).run("a/b", {"prompt": "x"})


@pytest.mark.slow
def test_what_an_equal_call_has_just_made_is_not_taken_from_it(
    wire: StartWire, client_of: MakeClient
) -> None:
    created: list[dict[str, Any]] = []
    lock = threading.Lock()

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            with lock:
                number = len(created) + 1
                created.append(prediction(id=f"p{number}", output=number))
            if number == 1:
                return [0.1, CUT]
            return [0.3, response(created[number - 1], 201)]
        return [response({"next": None, "results": created[::-1]})]

    client = client_of(wire(reply))
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(client.run("a/b", {"prompt": "x"})))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1, 2, 3, 4]


# -- Deadlines -------------------------------------------------------------------------------------

MARGIN = 1.0  # seconds that a busy machine may take longer


def call_with_validation(client: Replicate) -> None:
    client.run("a/b", {"prompt": "x"}, deadline=0.3, validate=True)


def call_with_upload(client: Replicate) -> None:
    client.run("a/b", {"file": b"x" * 300_000}, deadline=0.3)


def call(client: Replicate) -> None:
    client.run("a/b", {"prompt": "x"}, deadline=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make_call", "silent"),
    [
        (call_with_validation, "GET /v1/models/a/b"),
        (call_with_upload, "POST /v1/files"),
        (call, "GET /v1/models/a/b"),
        (call, "POST /v1/predictions"),
        (call, "GET /v1/predictions"),
        (call, "GET /v1/predictions/p1"),
    ],
    ids=["schema", "upload", "latest version", "create", "look-up", "poll"],
)
def test_no_silence_lasts_beyond_the_deadline(
    wire: StartWire, client_of: MakeClient, make_call: Callable[[Replicate], None], silent: str
) -> None:
    def reply(request: Request) -> list[Any]:
        place = f"{request.method} {request.path}"
        if place == silent:
            return [5.0]
        if place == "POST /v1/models/a/b/predictions" and "version" not in silent:
            is_official = silent not in ("GET /v1/models/a/b", "POST /v1/predictions")
            if silent == "GET /v1/predictions":
                return [CUT]
            if is_official:
                return [response(prediction("processing"), 201)]
        if request.method == "POST":
            return [response({"detail": "no"}, 404)]
        return [response({"latest_version": {"id": VERSION}})]

    client = client_of(wire(reply), timeout=60, retries=Retries(attempts=2, first=0.01))
    started = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017, PT011  # which one depends on the place
        make_call(client)
    assert time.monotonic() - started < 0.3 + MARGIN


@pytest.mark.slow
def test_the_schema_of_a_result_is_waited_for_until_the_deadline_at_most(
    wire: StartWire, client_of: MakeClient
) -> None:
    url = "https://files.example/x.png"

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [response(prediction(output=url), 201)]
        return [5.0]

    started = time.monotonic()
    client = client_of(wire(reply), timeout=60)
    assert str(client.run("a/b", {"prompt": "x"}, deadline=0.3)) == url
    assert time.monotonic() - started < 0.3 + MARGIN


@pytest.mark.slow
def test_a_look_up_whose_connection_is_silent_is_sent_again(
    wire: StartWire, client_of: MakeClient
) -> None:
    made: list[dict[str, Any]] = []

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            data = {"id": "p1", "status": "succeeded", "model": "a/b", "output": 1}
            made.append({**data, "input": request.json["input"]})
            return [CUT]
        if len(server.seen("GET", "/v1/predictions")) == 1:
            return [60.0]
        return [response({"next": None, "results": made})]

    server = wire(reply)
    assert client_of(server).run("a/b", {"prompt": "hi"}) == 1
    assert len(made) == 1
