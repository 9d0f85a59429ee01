"""What a model wrote, in a terminal and in a pipe; and terminals that want no colors."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path
from secrets import token_hex

import pytest
from cli_runner import invoke, start
from wire import Request, StartWire, Wire, response

from replicate_sync.server import LocalServer

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07\x9b31m"
HALF = "\ud83d"


@pytest.fixture
def hostile(server: LocalServer) -> LocalServer:
    """Return a server with models whose texts are orders to a terminal."""

    @server.model("local/says")
    def says(text: str) -> str:
        return text + CLIPBOARD

    @server.model("local/dies")
    def dies(text: str) -> str:
        print(CLIPBOARD)
        raise RuntimeError(text + CLIPBOARD)

    return server


def in_terminal(*words: str, **variables: str) -> bytes:
    """Return what the command writes to a terminal, stdout and stderr together."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", **variables}
    process = start(*words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    return written


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("run", "local/says", "-i", "text=hello"),
        ("run", "local/says", "-i", "text=hello", "--stream"),
        ("run", "local/says", "-i", "text=hello", "--json"),
        ("run", "local/dies", "-i", "text=hello"),
    ],
)
def test_no_escape_sequence_of_a_model_reaches_a_terminal(
    hostile: LocalServer, words: tuple[str, ...]
) -> None:
    written = in_terminal(*words, "--no-progress")
    assert b"hello" in written
    assert b"\x1b" not in written
    assert b"\x07" not in written
    assert "\x9b".encode() not in written


def test_a_pipe_gets_the_text_as_the_model_wrote_it(hostile: LocalServer) -> None:
    for options in ([], ["--stream"]):
        result = invoke("run", "local/says", "-i", "text=hello", *options)
        assert result.stdout == f"hello{CLIPBOARD}"


def test_json_has_every_character_and_no_order_to_a_terminal(hostile: LocalServer) -> None:
    result = invoke("run", "local/says", "-i", "text=hello", "--json")
    assert json.loads(result.stdout)["output"] == f"hello{CLIPBOARD}"
    assert not set(result.stdout) & {"\x1b", "\x9b", "\x07"}


@pytest.fixture
def halving(wire: StartWire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return a server whose model adds half of a surrogate pair to its input."""

    def respond(request: Request) -> list[bytes]:
        if request.method == "GET":
            return [response({"detail": "nothing"}, 404)]
        given = request.json["input"]
        done = {"id": token_hex(8), "status": "succeeded", "model": "a/b", "input": given}
        return [response({**done, "output": given["text"] + HALF}, 201)]

    server = wire(respond)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    return server


@pytest.mark.slow
def test_half_of_a_surrogate_pair_ends_no_map(halving: Wire, tmp_path: Path) -> None:
    inputs = tmp_path / "in.jsonl"
    inputs.write_text('{"text": "a"}\n{"text": "\\ud83d"}\n{"text": "c"}\n')
    out = tmp_path / "out.jsonl"
    for target in (["-o", str(out)], []):
        result = invoke("map", "a/b", inputs, *target, "--journal", tmp_path / "j.db")
        assert (result.exit_code, result.stderr) == (0, "")
        lines = (out.read_text(encoding="utf-8") if target else result.stdout).splitlines()
        texts = [json.loads(line)["output"] for line in lines]
        assert texts == [f"{one}{HALF}" for one in ("a", HALF, "c")]


def test_half_of_a_surrogate_pair_is_replaced_in_text(halving: Wire, tmp_path: Path) -> None:
    assert invoke("run", "a/b", "-i", "text=hello").stdout == "hello\ufffd"
    out = tmp_path / "out.txt"
    assert invoke("run", "a/b", "-i", "text=hello", "-o", out).exit_code == 0
    assert out.read_text(encoding="utf-8") == "hello?"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "is_colored"),
    [("TERM", "xterm", True), ("TERM", "dumb", False), ("NO_COLOR", "1", False)],
)
def test_colors_are_only_there_where_they_are_wanted(
    name: str, value: str, is_colored: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    result = invoke("demo", "-o", tmp_path, color=True)
    assert ("\x1b[" in result.stdout) == is_colored
