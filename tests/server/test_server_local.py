"""A server starts at once, stops at once, and needs Werkzeug and Jinja2."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_starts_at_once_and_serves_when_start_returns() -> None:
    server = LocalServer()
    begun = time.monotonic()
    assert server.start() is server
    assert time.monotonic() - begun < 0.5
    try:
        assert server.start() is server
        assert server.url == f"{server.origin}/v1" == f"http://127.0.0.1:{server.port}/v1"
        assert requests.get(
            server.url + "/account", headers={"Authorization": "Bearer r8_local"}, timeout=5
        ).ok
    finally:
        server.stop()


def test_it_stops_within_a_second_with_streams_waits_and_silent_connections_open(
    call: Any, local: LocalServer
) -> None:
    local.idle_timeout = 60

    @local.model("me/endless")
    def endless() -> Iterator[str]:
        while True:
            yield "x"
            time.sleep(0.01)

    before = set(threading.enumerate())
    streams = [
        requests.get(call.create("me/endless", {})["urls"]["stream"], stream=True, timeout=5)
        for _ in range(3)
    ]
    cold = local.model("me/cold", boot=60)(endless)
    streams.append(
        requests.get(call.create("me/cold", {})["urls"]["stream"], stream=True, timeout=5)
    )

    def wait() -> None:
        # Answered in the last moment, or hung up on: both are an end.
        with suppress(requests.RequestException):
            call.create("local/slow", {}, Prefer="wait")

    waiting = threading.Thread(target=wait)
    assert cold is endless
    waiting.start()
    with socket.create_connection(("127.0.0.1", local.port)):
        begun = time.monotonic()
        local.stop()
        assert time.monotonic() - begun < 1
    assert refuses(local.port)
    local.stop()
    for stream in streams:
        stream.close()
    waiting.join(5)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread


def test_it_starts_again_on_the_same_port() -> None:
    server = LocalServer()
    with server:
        port = server.port
    assert refuses(port)
    assert repr(server) == "<LocalServer stopped>"
    with server:
        assert server.port == port
        assert not refuses(port)
        assert repr(server) == f"<LocalServer at http://127.0.0.1:{port}/v1>"


def test_it_has_its_own_token_and_checks_its_settings() -> None:
    with LocalServer(token="mine") as server:
        assert (
            requests.get(
                server.url + "/account", headers={"Authorization": "Bearer r8_local"}, timeout=5
            ).status_code
            == 401
        )
        assert requests.get(
            server.url + "/account", headers={"Authorization": "Bearer mine"}, timeout=5
        ).ok
    with pytest.raises(ValueError, match="sync_status"):
        LocalServer(sync_status="done")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["werkzeug", "jinja2"])
def test_without_what_it_needs_importing_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; import replicate_sync.server"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: The local server needs Werkzeug, Jinja2 and Pillow: "
        "pip install Werkzeug Jinja2 Pillow"
    )


@pytest.mark.slow
def test_it_needs_no_flask_and_no_templates_before_its_first_page() -> None:
    code = (
        "import sys; sys.modules['flask'] = None\n"
        "from replicate_sync.server import LocalServer\n"
        "import requests\n"
        "with LocalServer() as s:\n"
        "    headers = {'Authorization': 'Bearer r8_local'}\n"
        "    print(requests.get(s.url + '/account', headers=headers).status_code)\n"
        "    print('jinja2' in sys.modules)\n"
        "    print(requests.get(s.origin).status_code)\n"
        "    print('jinja2' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("200\nFalse\n200\nTrue\n", "")


@pytest.mark.slow
def test_text_models_need_no_pillow() -> None:
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from replicate_sync.server import LocalServer\n"
        "import requests\n"
        "with LocalServer() as s:\n"
        "    body = {'version': 'replicate/hello-world', 'input': {'text': 'you'}}\n"
        "    r = requests.post(s.url + '/predictions', json=body,\n"
        "        headers={'Authorization': 'Bearer r8_local', 'Prefer': 'wait'})\n"
        "    print(r.json()['output'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("hello you\n", "")


def test_it_listens_on_ipv6_too() -> None:
    try:
        server = LocalServer("::1").start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert server.url == f"http://[::1]:{server.port}/v1"
        headers = {"Authorization": "Bearer r8_local"}
        assert requests.get(f"{server.url}/account", headers=headers, timeout=5).ok
