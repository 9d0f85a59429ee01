"""Every block of the README does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import replicate_sync
from replicate_sync import exceptions

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = "\n".join(
    code for language, code in BLOCKS if language == "python" and "def test_" not in code
)


def test_the_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with replicate_sync.local() as client:
        monkeypatch.setenv("REPLICATE_BASE_URL", client.server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", client.server.token)
        program = PYTHON.replace('"your token"', repr(client.server.token))
        assert program != PYTHON
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"lighthouse-0.webp", "lighthouse-1.webp", "lighthouse.png", "greetings.db"}
    assert "num_inference_steps" in ran.stdout
    assert ran.stderr == ""


def test_the_test_in_it_passes(tmp_path: Path) -> None:
    [code] = [code for language, code in BLOCKS if language == "python" and "def test_" in code]
    (tmp_path / "test_of_the_readme.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "test_of_the_readme.py",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_the_command_of_the_first_block_gives_its_tour(tmp_path: Path) -> None:
    [demo] = [code for language, code in BLOCKS if language == "sh" and "demo" in code]
    command = (
        demo.strip()
        .rpartition("&& ")[2]
        .replace(".venv/bin/replicate-sync", "replicate_sync")
        .split()
    )
    ran = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"streamed its text in \d+\.\d\d s", ran.stdout)
    assert re.search(r"PredictionFailed: Prediction \w+ of local/always-fails failed", ran.stdout)
    [picture] = tmp_path.iterdir()
    assert picture.stat().st_size > 1000
    assert picture.name in ran.stdout


def test_the_two_commands_set_up_what_they_need() -> None:
    commands = [code.strip() for language, code in BLOCKS if language == "sh"]
    assert len(commands) == 2
    assert all(
        code.startswith("python3 -m venv .venv && .venv/bin/pip install -q ") for code in commands
    )
    assert {language for language, _ in BLOCKS} == {"python", "sh"}


def test_the_table_of_errors_is_the_truth() -> None:
    table = re.findall(r"^\| `(\w+)` \| (?:`(\w+)`)? *\|", README, re.MULTILINE)
    listed = {
        name: builtin
        for name, builtin in table
        if name.endswith(("Error", "Failed", "Canceled", "Timeout"))
    }
    kinds = {
        name for name in exceptions.__all__ if name not in ("ReplicateError", "PredictionError")
    }
    assert set(listed) == kinds
    for name, builtin in listed.items():
        kind = getattr(errors, name)
        builtins = [
            base.__name__
            for base in kind.__mro__
            if base.__module__ == "builtins"
            and base.__name__ not in ("Exception", "BaseException", "object", "OSError")
        ]
        assert builtins[:1] == ([builtin] if builtin else [])


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) < 250
