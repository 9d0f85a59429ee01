"""The gateway as it is served: many streams at once, and clients that are gone."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from replicate_sync import Replicate
from replicate_sync.gateway import GatewaySettings, create_app, serve
from replicate_sync.server import LocalServer, job_context

from .conftest import ask

pytest.importorskip("waitress")
Send = Callable[[str, bool], socket.socket]


@pytest.fixture(scope="module")
def send(client: Replicate, server: LocalServer) -> Send:
    """Return a function that sends a chat over a socket of its own, and returns that."""

    @server.model("me/words")
    def words(prompt: str) -> Iterator[str]:
        for number in range(20):
            yield f"w{number} "
            time.sleep(0.02)

    @server.model("me/silent")
    def silent(prompt: str) -> Iterator[str]:
        for _ in range(2000):
            time.sleep(0.01)
            job_context.raise_if_canceled()
        yield "late"

    settings = GatewaySettings()
    ready: queue.Queue[str] = queue.Queue()

    def run() -> None:
        serve(create_app(client, settings), settings, 0, on_ready=ready.put)

    threading.Thread(target=run, daemon=True).start()
    host = ready.get(timeout=10).split("/")[2]
    address, _, port = host.partition(":")

    def send_chat(model: str, stream: bool) -> socket.socket:
        body = json.dumps(ask(model, stream=stream)).encode()
        connection = socket.create_connection((address, int(port)), timeout=60)
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return connection

    return send_chat


def read_all(connection: socket.socket) -> bytes:
    with connection, connection.makefile("rb") as file:
        return file.read()


def until_canceled(client: Replicate, count: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        predictions = list(client.predictions.list(limit=count))
        if [prediction.status for prediction in predictions] == ["canceled"] * count:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_hundred_streams_at_once_are_whole(send: Send) -> None:
    with ThreadPoolExecutor(100) as threads:
        bodies = list(threads.map(lambda _: read_all(send("me/words", True)), range(100)))
    words = [f"w{number} ".encode() for number in range(20)]
    assert all(body.count(word) == 1 for body in bodies for word in words)
    assert all(b"data: [DONE]" in body for body in bodies)


def test_the_first_words_arrive_while_the_model_writes(send: Send) -> None:
    with send("me/drip", True) as connection:
        arrived = b""
        while b"w1 " not in arrived:
            arrived += connection.recv(65536)
    assert b"w900" not in arrived


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_is_gone_leaves_nothing_running(
    send: Send, client: Replicate, stream: bool
) -> None:
    connections = [send("me/silent", stream) for _ in range(3)]
    time.sleep(0.3)
    for connection in connections:
        connection.close()
    assert until_canceled(client, 3)
