"""File inputs come from the server itself, and from the hosts that it was told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from replicate_sync.server import LocalServer


class Neighbor(ThreadingHTTPServer):
    """Another web server of this machine, which counts its requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), NeighborHandler)
        self.paths: list[str] = []


class NeighborHandler(BaseHTTPRequestHandler):
    server: Neighbor

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/secret.txt")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"secret")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def neighbor() -> Iterator[Neighbor]:
    with Neighbor() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def reads(server: LocalServer) -> None:
    @server.model("me/reads")
    def read(file: Path) -> str:
        return f"{file.name[-4:]} {file.read_text()}"


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_port_of_this_machine_is_not_asked(
    local: LocalServer, call: Any, neighbor: Neighbor, host: str
) -> None:
    reads(local)
    body = call.run("me/reads", {"file": f"http://{host}:{neighbor.server_port}/secret.txt"})
    assert body["status"] == "failed"
    assert "file_hosts" in body["error"]
    assert neighbor.paths == []


def test_a_host_that_is_allowed_is_asked(neighbor: Neighbor, caller_of: Any) -> None:
    host = f"127.0.0.1:{neighbor.server_port}"
    with LocalServer(file_hosts=[host]) as server:
        reads(server)
        call = caller_of(server)
        body = call.run("me/reads", {"file": f"http://{host}/secret.txt"})
        assert body["output"] == ".txt secret"
        away = call.run("me/reads", {"file": f"http://{host}/away"})
        assert away["status"] == "failed"
        call.session.close()
    assert neighbor.paths == ["/secret.txt", "/away"]


def test_a_file_larger_than_uploads_may_be_fails(neighbor: Neighbor, caller_of: Any) -> None:
    host = f"127.0.0.1:{neighbor.server_port}"
    with LocalServer(file_hosts=[host], file_limit=5) as server:
        reads(server)
        call = caller_of(server)
        body = call.run("me/reads", {"file": f"http://{host}/secret.txt"})
        assert (body["status"], "5 bytes" in body["error"]) == ("failed", True)
        call.session.close()


def test_what_a_model_made_is_read_without_a_request(local: LocalServer, call: Any) -> None:
    reads(local)
    local.model("me/file")(lambda: b"GIF8...")
    made = call.run("me/file")["output"]
    before = len(local.requests)
    body = call.run("me/reads", {"file": made})
    assert body["output"] == ".gif GIF8..."
    assert len(local.requests) == before + 2  # the create and the get
