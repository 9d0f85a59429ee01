"""What a person sees of the command."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from replicate_sync import Replicate
from replicate_sync.cli import main


def test_help_says_what_there_is() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    assert "serve" in shown.output
    assert "demo" in shown.output
    assert CliRunner().invoke(main, ["--version"]).output.startswith("replicate-sync, version ")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_serve_says_how_to_reach_it_and_stops_at_ctrl_c() -> None:
    command = [sys.executable, "-m", "replicate_sync", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C stops it" not in said:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            said += line
        url, token = re.findall(r"export REPLICATE_\w+=(\S+)", said)
        assert Replicate(token, base_url=url).run("replicate/hello-world", {"text": "Alice"}) == "hello Alice"
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Stopped." in rest
    assert complaints == ""


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert shown.exit_code == 1
    assert re.search(rf"Port {port} cannot be used .*--port", shown.output)


@pytest.mark.parametrize(
    ("missing", "command", "says"), [("click", [], "replicate-sync[cli]"), ("flask", ["demo"], "replicate-sync[server]")]
)
def test_a_missing_extra_is_one_sentence(missing: str, command: list[str], says: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['replicate-sync', *{command!r}]\n"
    program += "from replicate_sync.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
