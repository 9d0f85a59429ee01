"""A long body may take its time on a slow line, as long as it goes on and the call has time."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from replicate_sync import ConnectionFailed, Replicate, Retries
from replicate_sync.deadline import Deadline
from replicate_sync.http import sessions

SIZE = 6_000_000  # bytes; more than a socket takes at once


class SlowReader:
    """A server that reads a request slowly, and then responds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.received = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                while self.received < SIZE and (piece := connection.recv(SIZE // 20)):
                    self.received += len(piece)
                    time.sleep(self.seconds * len(piece) / SIZE)
                body = b'{"id": "f1", "status": "succeeded", "output": null}'
                head = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body)
                connection.sendall(head + body)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def start_reader() -> Iterator[Any]:
    """Return a function that starts servers which read slowly."""
    readers: list[SlowReader] = []

    def start(seconds: float) -> SlowReader:
        readers.append(SlowReader(seconds))
        return readers[-1]

    yield start
    for reader in readers:
        reader.close()


def send(client: Replicate, **options: Any) -> Any:
    body = {"text": "x" * SIZE}
    return client._transport.request("POST", "/x", body, build=lambda data: data, **options)


@pytest.mark.slow
def test_sending_may_take_longer_than_connecting_and_than_the_timeout(
    start_reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "CONNECT_TIMEOUT", 0.2)
    reader = start_reader(0.5)
    assert send(Replicate("r8_x", base_url=reader.url, timeout=2))["id"] == "f1"


@pytest.mark.slow
@pytest.mark.parametrize("route", ["direct", "proxy"])
@pytest.mark.parametrize("deadline", [None, 30])
def test_what_the_system_has_taken_to_send_is_no_silence(
    start_reader: Any, route: str, deadline: float | None
) -> None:
    reader = start_reader(3.0)
    options: dict[str, Any] = {"base_url": reader.url}
    if route == "proxy":
        options = {"base_url": "http://api.invalid/v1", "proxy": reader.url[: -len("/v1")]}
    client = Replicate("r8_x", timeout=0.7, retries=Retries(attempts=1), **options)
    pictures = [io.BytesIO(b"x" * 200_000) for _ in range(SIZE // 250_000)]
    started = time.monotonic()
    prediction = client.predictions.create(
        f"me/model:{64 * '0'}", {"images": pictures}, validate=False, deadline=deadline
    )
    assert prediction.id == "f1"
    assert time.monotonic() - started > 2


@pytest.mark.slow
def test_an_upload_over_a_slow_line_is_no_silence(start_reader: Any) -> None:
    reader = start_reader(3.0)
    client = Replicate("r8_x", base_url=reader.url, timeout=0.7, retries=Retries(attempts=1))
    assert client.files.create(io.BytesIO(b"x" * SIZE)).id == "f1"


@pytest.mark.slow
def test_a_reader_that_stops_is_silent(start_reader: Any) -> None:
    reader = start_reader(100.0)
    client = Replicate("r8_x", base_url=reader.url, timeout=0.2, retries=Retries(attempts=1))
    with pytest.raises(ConnectionFailed, match=r"was silent for 0\.2 s") as raised:
        send(client)
    assert raised.value.maybe_sent


@pytest.mark.slow
def test_sending_ends_at_the_deadline_although_it_goes_on(start_reader: Any) -> None:
    reader = start_reader(5.0)
    started = time.monotonic()
    with pytest.raises(ConnectionFailed, match="when the time for it was up"):
        send(Replicate("r8_x", base_url=reader.url), deadline=Deadline(0.3))
    assert time.monotonic() - started < 1.5
