"""The port: taken, stopped, many connections, and clients that leave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer
from replicate_sync.server.listener import Listener, listen


def test_it_stops_where_a_connection_is_made_at_the_same_time() -> None:
    with listen("127.0.0.1", 0) as listening:
        listener = Listener("127.0.0.1", listening, lambda environ, start_response: [])
    listener.start()
    name = f"local-replicate-{listener.port}"
    serving = next(thread for thread in threading.enumerate() if thread.name == name)

    def set_and_connect() -> None:
        set_event()
        with socket.create_connection(("127.0.0.1", listener.port)):
            serving.join(5)  # it wakes, sees the end, and closes what the stop is to wake it by

    set_event = listener.stopping.set
    listener.stopping.set = set_and_connect  # type: ignore[method-assign]
    listener.stop()
    assert not serving.is_alive()
    assert listener.socket.fileno() == -1


def test_a_port_that_is_taken_is_an_error(local: LocalServer) -> None:
    with pytest.raises(OSError, match="in use"):
        LocalServer(port=local.port).start()


@pytest.mark.slow
def test_a_client_that_leaves_is_not_logged(
    local: LocalServer, call: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    stopped = threading.Event()

    @local.model("me/long")
    def long() -> Iterator[str]:
        while not stopped.is_set():
            yield "x" * 100_000
            time.sleep(0.001)

    prediction = call.create("me/long", {})
    for _ in range(3):
        with requests.get(prediction["urls"]["stream"], stream=True, timeout=5) as response:
            next(response.iter_content(100))
    stopped.set()
    call.until(prediction, lambda body: body["status"] == "succeeded")
    local.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_many_clients_at_once_are_served(local: LocalServer, call: Any) -> None:
    statuses: list[int] = []
    headers = {"Authorization": "Bearer r8_local"}

    def get_account() -> None:
        statuses.append(
            requests.get(local.url + "/account", headers=headers, timeout=10).status_code
        )

    threads = [threading.Thread(target=get_account) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100


def test_a_request_that_is_no_http_is_not_logged(
    local: LocalServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", local.port)) as raw:
        raw.sendall(b"\x00\xffnonsense\r\n\r\n")
        raw.recv(1000)
    local.stop()
    assert capfd.readouterr() == ("", "")


def test_it_goes_on_where_there_can_be_no_more_threads(
    local: LocalServer, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with socket.create_connection(("127.0.0.1", local.port), timeout=5) as refused:
            assert refused.recv(1) == b""
    assert call.get("/v1/account").status_code == 200
