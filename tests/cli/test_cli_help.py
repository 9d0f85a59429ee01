"""What the command says of itself, and what all of its commands have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_runner import invoke

from replicate_sync.cli import main

COMMANDS = main.list_commands(click.Context(main))


def test_the_help_lists_the_commands_and_the_exit_codes() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for word in (*COMMANDS, "--local", "Ctrl-C", "Exit codes"):
        assert word in result.stdout
    assert invoke("--version").stdout.startswith("replicate-sync, version ")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 4


def test_local_is_an_option_of_every_command_that_uses_the_api() -> None:
    def commands(group: click.Group) -> Iterator[click.Command]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command)
            else:
                yield command

    def options(command: click.Command) -> list[str]:
        return [name for parameter in command.params for name in parameter.opts]

    without = [one.name for one in commands(main) if "--local" not in options(one)]
    assert sorted(filter(None, without)) == ["completion", "journal"]


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("werkzeug", ["demo"], "pip install Werkzeug Jinja2 Pillow"),
        ("werkzeug", ["chat", "--local"], "pip install Werkzeug Jinja2 Pillow"),
        ("werkzeug", ["serve"], "pip install Werkzeug Jinja2 Pillow"),
        ("tqdm", ["run", "a/b", "--progress", "--local"], "pip install tqdm"),
    ],
)
def test_a_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, missing: str, command: list[str], extra: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "werkzeug":
        late = ("replicate_sync.server", "replicate_sync.offline")
        for name in [name for name in sys.modules if name.startswith(late)]:
            monkeypatch.delitem(sys.modules, name)
    result = invoke(*command)
    assert result.exit_code == 1
    assert extra in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_command_takes_the_imports_of_no_other_one() -> None:
    program = (
        "import sys, click; from replicate_sync.cli import main; "
        "main.get_command(click.Context(main), 'serve'); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    imported = set(ran.stdout.split())
    assert "replicate_sync.cli.serve_command" in imported
    assert not {"requests", "replicate_sync.cli.chat_command"} & imported


@pytest.mark.slow
def test_without_click_the_command_is_one_sentence() -> None:
    program = "import sys; sys.modules['click'] = None; import replicate_sync.cli"
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert process.returncode == 1
    [line] = process.stderr.splitlines()
    assert "pip install click tqdm" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "replicate_sync", "run", "a/b"],
        ["-c", "from replicate_sync.__main__ import main; main()"],  # as the installed script does
    ],
)
def test_ctrl_c_while_the_command_is_imported_shows_no_traceback(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (process.stdout, process.stderr) == ("", "")
    assert process.returncode in (130, -signal.SIGINT)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_stdout_that_is_closed_is_one_sentence_before_anything_runs() -> None:
    process = subprocess.run(
        ["sh", "-c", '"$0" -m replicate_sync run a/b >&-', sys.executable],
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr == "Error: stdout is closed: a result could not be written.\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("command", "output", "code"),
    [
        ("run replicate/hello-world -i text=Bob --local <&-", "hello Bob", 0),
        ("run replicate/hello-world -i text=@- --local <&-", "hello ", 0),
        ("run replicate/hello-world -i text=Bob --local 2>&-", "hello Bob", 0),
        ("run replicate/hello-world -i name=Bob --local 2>&-", "", 2),
        ("map replicate/hello-world - --local <&-", "", 0),
        ("chat --local <&-", "", 2),
        ("chat -i --local <&-", "", 0),
    ],
)
def test_a_stdin_that_is_closed_is_empty_and_a_closed_stderr_stops_nothing(
    command: str, output: str, code: int
) -> None:
    process = subprocess.run(
        ["sh", "-c", f'"$0" -m replicate_sync {command}', sys.executable],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (process.stdout, process.returncode) == (output, code)
    assert "Traceback" not in process.stderr


def test_a_missing_tqdm_is_no_error_where_nobody_asked_for_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from replicate_sync.cli.options import should_show_progress

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.delenv("TERM", raising=False)
    assert should_show_progress(None)
    assert not should_show_progress(False)
    monkeypatch.setenv("TERM", "dumb")
    assert not should_show_progress(None)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert not should_show_progress(None)
    with pytest.raises(click.ClickException, match="pip install tqdm"):
        should_show_progress(True)


def test_local_needs_neither_token_nor_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    result = invoke("run", "replicate/hello-world", "-i", "text=Alice", "--local")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello Alice", "")
    assert invoke("models", "show", "replicate/hello-world", "--local").exit_code == 0
    assert invoke("predictions", "list", "--local").stderr == "There are no predictions.\n"
    assert invoke("chat", "Hi", "--local", "--max-tokens", 5).stdout
