"""What a person sees of the command: its help, its endings, and the local server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from wire import TOKEN, Request, Wire, answer

from replicate_sync import Replicate
from replicate_sync.cli import main
from replicate_sync.server import LocalServer

Start = Callable[[Callable[[Request], Any]], Wire]


def invoke(*words: object, input: str | bytes | None = None) -> Any:
    """Run the command in this process, with stdout and stderr apart, and let no traceback pass."""
    try:
        runner = CliRunner(mix_stderr=False)  # type: ignore[call-arg]  # the click of old
    except TypeError:
        runner = CliRunner()
    shown = runner.invoke(main, [str(word) for word in words], input=input)
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
    return shown


def started(*words: object, **options: Any) -> subprocess.Popen[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "replicate_sync", *map(str, words)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **{**streams, **options})


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server


def test_help_says_what_there_is() -> None:
    shown = invoke("--help")
    assert shown.exit_code == 0
    for word in ("chat", "run", "map", "models", "predictions", "serve", "demo", "completion", "--local", "Ctrl-C"):
        assert word in shown.stdout
    assert invoke("--version").stdout.startswith("replicate-sync, version ")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_each_command_explains_itself(command: str) -> None:
    shown = invoke(command, "--help")
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ((), 0, ""),
        (("local/always-fails",), 1, "PredictionFailed"),
        (("replicate/hello-world", "-i", "txt=1"), 2, "InvalidInputError"),
        (("nobody/nothing",), 2, "ModelNotFoundError"),
        (("nothing",), 2, "ModelNotFoundError"),
        (("replicate/hello-world", "--nonsense"), 2, "NoSuchOption"),
        (("local/slow", "--timeout", "0.2"), 4, "PredictionTimeout"),
    ],
    ids=str,
)
def test_the_exit_code_tells_how_it_ended(server: LocalServer, words: tuple[str, ...], code: int, kind: str) -> None:
    words = words or ("replicate/hello-world", "-i", "text=Alice")
    shown = invoke("run", *words)
    assert shown.exit_code == code
    assert re.search(rf"^ +{code}  +\w", invoke("--help").stdout, re.MULTILINE)
    if kind:
        assert shown.stdout == ""
        assert "Error: " in shown.stderr
        error = json.loads(invoke("run", *words, "--json").stderr)["error"]
        assert error["type"] == kind
        assert error["message"]
        assert (error["prediction"] is not None) == kind.startswith("Prediction")


@pytest.mark.parametrize(("token", "kind"), [("", "MissingAuthError"), ("r8_refused", "AuthenticationError")])
def test_without_a_good_token_the_exit_code_is_3(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, token: str, kind: str
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    shown = invoke("run", "replicate/hello-world", "-i", "text=a", "--json")
    assert shown.exit_code == 3
    error = json.loads(shown.stderr)["error"]
    assert error["type"] == kind
    assert "REPLICATE_API_TOKEN" in error["message"]
    assert "api_key" not in error["message"]
    assert "r8_refused" not in shown.stderr


@pytest.mark.parametrize(
    "command", [("chat", "-i"), ("chat",), ("map", "a/b", "none.jsonl"), ("predictions", "list")], ids=str
)
def test_a_missing_token_is_one_sentence(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    shown = invoke(*command)
    assert shown.exit_code == 3
    assert shown.stdout == ""
    [line] = shown.stderr.splitlines()
    assert line.startswith("Error: No API token: set the environment variable REPLICATE_API_TOKEN")
    assert line.endswith("with --local.")


def test_local_needs_neither_token_nor_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    shown = invoke("run", "replicate/hello-world", "-i", "text=Alice", "--local")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "hello Alice", "")
    assert invoke("models", "show", "replicate/hello-world", "--local").exit_code == 0
    assert invoke("predictions", "list", "--local").stderr == "There are no predictions.\n"
    assert invoke("chat", "Hi", "--local", "--max-tokens", 5).stdout


def test_what_the_library_logs_is_talk_and_a_machine_gets_none_of_it(wire: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(request: Request) -> Iterable[Any]:
        if len(server.requests) % 2:
            return [answer({"detail": "Check base_url, said the server.", "retry_after": 0.01}, 503)]
        return [answer({"next": None, "results": []})]

    server = wire(reply)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    shown = invoke("predictions", "list")
    assert shown.exit_code == 0
    assert "attempt 1 failed" in shown.stderr
    assert "base_url" not in shown.stderr
    assert invoke("predictions", "list", "--json").stderr == ""
    assert TOKEN not in shown.stderr


def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = invoke("run", "replicate/hello-world", "-i", "text=a", "--local", "-o", tmp_path / "file" / "out.txt")
    assert shown.exit_code == 1
    assert len(shown.stderr.splitlines()) == 1
    assert str(tmp_path / "file") in shown.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_writes_a_script_for_each_shell(shell: str) -> None:
    shown = invoke("completion", shell)
    if shell == "bash" and shown.exit_code == 1:
        pytest.skip(shown.stderr)
    assert f"_REPLICATE_SYNC_COMPLETE={shell}_complete" in shown.stdout


def test_completion_takes_ones_own_shell_or_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "fish_complete" in invoke("completion").stdout
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    shown = invoke("completion")
    assert shown.exit_code == 2
    assert "Which shell is it?" in shown.stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("replicate-sync pre", "predictions"), ("replicate-sync run black", "black-forest-labs/flux-schnell")],
)
def test_the_shell_completes_commands_and_known_models_without_network(typed: str, completed: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_REPLICATE_SYNC_COMPLETE": "zsh_complete"}
    program = "import sys; sys.argv = ['replicate-sync']; from replicate_sync.cli import main; main()"
    environment = {**os.environ, **words, "REPLICATE_BASE_URL": "http://127.0.0.1:9"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=30)
    assert completed in ran.stdout.splitlines()
    assert ran.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_serve_says_how_to_reach_it_and_stops_at_ctrl_c() -> None:
    with started("serve", "--port", "0", env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
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
        shown = invoke("serve", "--port", port)
    assert shown.exit_code == 1
    assert re.search(rf"Port {port} cannot be used .*--port", shown.stderr)


@pytest.mark.parametrize(
    ("missing", "command", "says"),
    [
        ("click", [], "replicate-sync[cli]"),
        ("flask", ["demo"], "replicate-sync[server]"),
        ("flask", ["chat", "--local"], "replicate-sync[server]"),
        ("tqdm", ["run", "a/b", "--progress"], "replicate-sync[progress]"),
    ],
)
def test_a_missing_extra_is_one_sentence(missing: str, command: list[str], says: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['replicate-sync', *{command!r}]\n"
    program += "from replicate_sync.cli import main; main()"
    environment = {**os.environ, "REPLICATE_BASE_URL": "http://127.0.0.1:9"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, env=environment)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_local_is_taken_by_every_command_that_has_to_do_with_the_api() -> None:
    def commands(group: click.Group) -> Iterator[click.Command]:
        for command in group.commands.values():
            yield from commands(command) if isinstance(command, click.Group) else [command]

    without = [c.name for c in commands(main) if "--local" not in [name for p in c.params for name in p.opts]]
    assert without == ["completion"]


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["--host", "0.0.0.0"], r"0\.0\.0\.0.*--token", 2),
        (["--host", "example.com"], r"example\.com.*--token", 2),
        (["predict.py:Predictor"], "--as", 2),
        (["--as", "me/model"], "--cog-url", 2),
        (["predict.py", "--cog-url", "http://127.0.0.1:1", "--as", "me/model"], "not both", 2),
        (["nowhere.py", "--as", "nameless"], "owner/name", 2),
        (["nowhere.py:Predictor", "--as", "me/model"], r"no predictor at nowhere\.py:Predictor", 1),
        (["--cog-url", "http://127.0.0.1:1", "--as", "me/model"], "No Cog server answers", 1),
    ],
)
def test_what_cannot_be_served_is_one_sentence(arguments: list[str], says: str, code: int) -> None:
    shown = invoke("serve", "--port", "0", *arguments)
    assert shown.exit_code == code
    assert re.search(rf"^Error: .*{says}", shown.stderr, re.MULTILINE)
    assert "listens" not in shown.stdout
