"""What `replicate-sync serve` serves, says and refuses."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys

import pytest
from cli_runner import invoke, start

from replicate_sync import Replicate


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_serve_says_how_to_reach_it_and_stops_at_ctrl_c() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with start("serve", "--port", "0", env=environment) as process:
        assert process.stdout is not None
        output = ""
        while "Ctrl-C stops it" not in output:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            output += line
        url, token = re.findall(r"export REPLICATE_\w+=(\S+)", output)
        client = Replicate(token, base_url=url)
        assert client.run("replicate/hello-world", {"text": "Alice"}) == "hello Alice"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Stopped." in rest
    assert errors == ""


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "--port", port)
    assert result.exit_code == 1
    assert re.search(rf"Port {port} cannot be used .*--port", result.stderr)


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--host", "0.0.0.0"], r"0\.0\.0\.0.*--token", 2),
        (["--host", "example.com"], r"example\.com.*--token", 2),
        (["predict.py:Predictor"], "--as", 2),
        (["--as", "me/model"], "--cog-url", 2),
        (["predict.py", "--cog-url", "http://127.0.0.1:1", "--as", "me/model"], "not both", 2),
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
