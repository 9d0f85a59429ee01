"""What `replicate-sync serve` serves, says and refuses."""

from __future__ import annotations

import re
import signal
import socket
import sys

import pytest
from cli_runner import ctrl_c_when, interrupted, invoke

from replicate_sync import ConnectionFailed, Replicate, Retries


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@interrupted
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("token", [None, "r8_mine"])
def test_serve_says_how_to_reach_it_and_stops_at_ctrl_c(token: str | None) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    retries = Retries(attempts=1)

    def responds() -> bool:
        with Replicate(token or "r8_local", base_url=url, retries=retries) as client:
            try:
                return bool(client.run("replicate/hello-world", {"text": "a"}) == "hello a")
            except ConnectionFailed:
                return False

    before = signal.getsignal(signal.SIGTERM)
    more = () if token is None else ("--token", token)
    with ctrl_c_when(responds):
        result = invoke("serve", "--port", port, *more)
    assert (result.exit_code, result.stderr) == (0, "")
    variables = dict(re.findall(r"export (REPLICATE_\w+)=(\S+)", result.stdout))
    assert variables == {
        "REPLICATE_BASE_URL": url,
        "REPLICATE_API_TOKEN": token or "r8_local",
    }
    assert result.stdout.endswith("Ctrl-C stops it.\n\nStopped.\n")
    assert not responds()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("command", ["serve", "gateway"])
def test_a_number_that_is_no_port_is_refused(command: str) -> None:
    result = invoke(command, "--port", 65536)
    assert result.exit_code == 2
    assert "65535" in result.stderr


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "--port", port)
    assert result.exit_code == 1
    assert re.search(rf"Port {port} of 127.0.0.1 cannot be used .*--port", result.stderr)


def test_an_address_of_another_machine_is_one_sentence() -> None:
    result = invoke("serve", "--host", "192.0.2.1", "--token", "x", "--port", 0)
    assert result.exit_code == 1
    assert re.search(r"192\.0\.2\.1 cannot be used .*--host", result.stderr)


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--host", "0.0.0.0"], r"0\.0\.0\.0.*--token", 2),
        (["--host", "example.com"], r"example\.com.*--token", 2),
        (["predict.py:Predictor"], "--as", 2),
        (["--as", "me/model"], "--cog-url", 2),
        (["predict.py", "--cog-url", "http://127.0.0.1:1", "--as", "me/model"], "not both", 2),
        (["--record", "a", "--replay", "b"], "not both", 2),
        (["--replay", "nowhere.jsonl"], r"nowhere\.jsonl cannot be read", 2),
        (["--data", "/dev/null/folder"], "cannot keep a server's data", 2),
        (["nowhere.py", "--as", "nameless"], "owner/name", 2),
        (["nowhere.py:Predictor", "--as", "me/model"], r"nowhere\.py:Predictor", 1),
        (["--cog-url", "http://127.0.0.1:1", "--as", "me/model"], "No Cog server", 1),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    arguments: list[str], message: str, code: int
) -> None:
    result = invoke("serve", "--port", "0", *arguments)
    assert result.exit_code == code
    assert re.search(rf"^Error: .*{message}", result.stderr, re.MULTILINE)
    assert "listening" not in result.stdout
