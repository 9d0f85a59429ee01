"""What a shell completes, and the script that teaches it to."""

from __future__ import annotations

import pytest
from cli_runner import invoke


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    result = invoke("completion", shell)
    if shell == "bash" and result.exit_code == 1:
        pytest.skip(result.stderr)
    assert f"_REPLICATE_SYNC_COMPLETE={shell}_complete" in result.stdout


def test_the_default_is_the_script_of_ones_own_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "fish_complete" in invoke("completion").stdout
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    result = invoke("completion")
    assert result.exit_code == 2
    assert "Which shell is it?" in result.stderr


def test_a_shell_that_is_too_old_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def source(self: object) -> str:
        raise RuntimeError("Shell completion is not supported for Bash versions older than 4.4.")

    monkeypatch.setattr("click.shell_completion.BashComplete.source", source)
    result = invoke("completion", "bash")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Shell completion is not supported")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("replicate-sync pre", "predictions"),
        ("replicate-sync run black", "black-forest-labs/flux-schnell"),
    ],
)
def test_the_shell_completes_commands_and_known_models_without_network(
    monkeypatch: pytest.MonkeyPatch, typed: str, completed: str
) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:9")
    words = {
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
        "_REPLICATE_SYNC_COMPLETE": "zsh_complete",
    }
    result = invoke(prog_name="replicate-sync", env=words)
    assert completed in result.stdout.splitlines()
    assert result.stderr == ""
