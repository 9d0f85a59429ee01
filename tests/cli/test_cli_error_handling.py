"""How the command ends: with an exit code, a sentence or a line of JSON, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cli_runner import ctrl_c_when, interrupted, invoke, start, statuses, wait_until
from wire import TOKEN, Request, StartWire, response

from replicate_sync.server import LocalServer

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ((), 0, ""),
        (("local/always-fails",), 1, "PredictionFailed"),
        (("replicate/hello-world", "-i", "txt=1"), 2, "InvalidInputError"),
        (("nobody/nothing",), 2, "UnknownModelError"),
        (("nothing",), 2, "ModelNotFoundError"),
        (("replicate/hello-world", "--nonsense"), 2, "NoSuchOption"),
        (("local/slow", "--timeout", "0.1"), 4, "PredictionTimeout"),
    ],
    ids=str,
)
def test_the_exit_code_says_how_it_ended(
    server: LocalServer, words: tuple[str, ...], code: int, kind: str
) -> None:
    words = words or ("replicate/hello-world", "-i", "text=Alice")
    result = invoke("run", *words)
    assert result.exit_code == code
    assert re.search(rf"^ +{code}  +\w", invoke("--help").stdout, re.MULTILINE)
    if kind:
        assert result.stdout == ""
        assert "Error: " in result.stderr
        error = json.loads(invoke("run", *words, "--json").stderr)["error"]
        assert error["type"] == kind
        assert error["message"]
        assert (error["prediction"] is not None) == kind.startswith("Prediction")


@pytest.mark.parametrize(
    ("token", "kind"),
    [("", "MissingAuthError"), ("r8_a\nb", "MissingAuthError"), ("r8_no", "AuthenticationError")],
)
def test_without_a_good_token_the_exit_code_is_3(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, token: str, kind: str
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    result = invoke("run", "replicate/hello-world", "-i", "text=a", "--json")
    assert result.exit_code == 3
    error = json.loads(result.stderr)["error"]
    assert error["type"] == kind
    assert "REPLICATE_API_TOKEN" in error["message"]
    assert "api_key" not in error["message"]
    assert "r8_" not in result.stderr


@pytest.mark.parametrize(
    "command",
    [("chat", "-i"), ("chat",), ("map", "a/b", "none.jsonl"), ("predictions", "list")],
    ids=str,
)
def test_a_missing_token_is_one_line(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    result = invoke(*command)
    assert result.exit_code == 3
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: No API token. Set the environment variable REPLICATE_API_TOKEN")
    assert line.endswith("with --local.")


def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out.txt"
    result = invoke("run", "replicate/hello-world", "-i", "text=a", "--local", "-o", out)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path / "file") in result.stderr


def test_a_person_sees_retries_and_a_program_only_json(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def respond(request: Request) -> Iterable[Any]:
        if len(server.requests) % 2:
            return [response({"detail": "Too many requests.", "retry_after": 0.01}, 429)]
        return [response({"next": None, "results": []})]

    server = wire(respond)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    result = invoke("predictions", "list")
    assert result.exit_code == 0
    assert "attempt 1 failed" in result.stderr
    assert "Too many requests" in result.stderr
    assert invoke("predictions", "list", "--json").stderr == ""
    assert TOKEN not in result.stderr


@pytest.mark.slow
@interrupted
@posix
@pytest.mark.parametrize("more", [(), ("--stream",), ("--json",)], ids=str)
def test_ctrl_c_cancels_and_is_one_line(fresh_server: LocalServer, more: tuple[str, ...]) -> None:
    with ctrl_c_when(lambda: statuses() == ["processing"]):
        result = invoke("run", "local/slow", "-i", "seconds=60", *more)
    assert result.exit_code == 130
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert "Stopped. Prediction" in line
    assert statuses() == ["canceled"]
    if "--json" in more:
        error = json.loads(line)["error"]
        assert error["type"] == "KeyboardInterrupt"
        assert f"Prediction {error['prediction']} was canceled." in error["message"]


@pytest.mark.slow
@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_to_the_process_cancels_and_is_its_exit_code(
    fresh_server: LocalServer, name: str, code: int
) -> None:
    with start("run", "local/slow", "-i", "seconds=60") as process:
        assert wait_until(lambda: statuses() == ["processing"])
        process.send_signal(getattr(signal, name))
        process.send_signal(getattr(signal, name) if code != 130 else 0)
        output, errors = process.communicate(timeout=10)
    assert process.returncode == code
    assert output == ""
    assert errors.startswith("Stopped. Prediction")
    assert statuses() == ["canceled"]


@pytest.mark.slow
@posix
def test_a_hangup_that_is_ignored_does_not_end_a_command(fresh_server: LocalServer) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does

    words = ("run", "local/slow", "-i", "seconds=0.3")
    with start(*words, preexec_fn=ignore) as process:
        assert wait_until(lambda: statuses() == ["processing"])
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert statuses() == ["succeeded"]


@pytest.mark.slow
@posix
def test_ctrl_c_during_a_late_import_exits_with_130(
    fresh_server: LocalServer, tmp_path: Path
) -> None:
    """CPython notes a KeyboardInterrupt in `exec` as unhandled, and `python -m` would exit by it."""
    (tmp_path / "tenacity.py").write_text("exec('raise KeyboardInterrupt')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with start("run", "local/slow", "-i", "seconds=60", "--stream", env=environment) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.startswith("Stopped. Prediction")
    assert statuses() == ["canceled"]
