"""Every block of the README does what it says."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

import replicate_sync
from replicate_sync import Replicate, exceptions
from replicate_sync.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ROOT / "docs" / "pages"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
PROGRAM = "\n".join(code for code in PYTHON if "def test_" not in code)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_polling")
def test_the_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with replicate_sync.local() as client:
        monkeypatch.setenv("REPLICATE_BASE_URL", client.server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", client.server.token)
        client.server.script(Replicate.default_model, tokens=["A", " river", "."])
        exec(compile(PROGRAM, "README.md", "exec"), {"__name__": "__main__"})
    saved = {path.name for path in tmp_path.iterdir()}
    assert saved == {"lighthouse-0.webp", "lighthouse-1.webp", "greetings.db"}
    printed = capsys.readouterr()
    assert printed.out == "A river.A river.hello Alice\nhello Bob\n"
    assert printed.err == ""


def test_the_test_in_it_passes(request: pytest.FixtureRequest) -> None:
    [code] = [code for code in PYTHON if "def test_" in code]
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]
    parameters = test.__code__.co_varnames[: test.__code__.co_argcount]  # type: ignore[attr-defined]
    test(*map(request.getfixturevalue, parameters))  # type: ignore[operator]


@pytest.mark.scale
def test_the_command_of_the_first_block_shows_its_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [demo] = [code for language, code in BLOCKS if language == "sh" and "demo" in code]
    command = demo.strip().rpartition("&& ")[2]
    assert command.startswith(".venv/bin/replicate-sync ")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(command.split()[1:])
    assert not left.value.code
    printed = capsys.readouterr().out
    assert re.search(r"streamed its text in \d+\.\d\d s", printed)
    assert re.search(r"PredictionFailed: Prediction \w+ of local/always-fails failed", printed)
    [picture] = tmp_path.iterdir()
    assert picture.stat().st_size > 1000
    assert picture.name in printed


def test_the_two_commands_set_up_what_they_need() -> None:
    commands = [code.strip() for language, code in BLOCKS if language == "sh"]
    assert len(commands) == 2
    set_up = "python3 -m venv .venv && .venv/bin/pip install -q "
    assert all(code.startswith(set_up) for code in commands)
    assert {language for language, _ in BLOCKS} == {"python", "sh"}


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 120


def test_every_file_that_it_names_is_there() -> None:
    names = re.findall(r"\]\((?!https?:)([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", README)
    assert len(names) > 5
    for name in map("".join, names):
        assert (ROOT / name).exists(), name


def test_the_addresses_of_local_servers_are_those_that_they_have() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES.rglob("*.md"))
    for command, address in (
        ("serve", r"REPLICATE_BASE_URL=http://127.0.0.1:(\d+) REPLICATE_API_TOKEN=(\w+)"),
        ("gateway", r"base URL to `http://127.0.0.1:(\d+)/v1`"),
    ):
        found_command = main.get_command(click.Context(main), command)
        assert found_command is not None
        defaults = {option.name: option.default for option in found_command.params}
        found = [match.groups() for match in re.finditer(address, pages)]
        assert found
        for port, *token in found:
            assert int(port) == defaults["port"]
            assert token in ([], ["r8_local"])


def test_the_license_of_each_dependency_is_listed() -> None:
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = configuration["options.extras_require"]
    lines = configuration["options"]["install_requires"].splitlines()
    for extra in ("cli", "progress", "server", "gateway", "cog", "dask"):
        lines += extras[extra].splitlines()
    needed = {found[0] for line in lines if (found := re.match(r"[\w.-]+", line))}
    page = (PAGES / "reference" / "licenses.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([\w.-]+) \|", page, re.MULTILINE))
    assert needed - {"replicate-sync"} <= listed
    assert len(needed) > 10


def test_the_table_of_errors_is_true() -> None:
    page = (ROOT / "docs/pages/reference/errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([`\w, ]*) *\|", page, re.MULTILINE)
    listed = {name: also for name, also in rows if hasattr(exceptions, name)}
    assert set(listed) == set(exceptions.__all__) - {"ReplicateError", "PredictionError"}
    for name, also in listed.items():
        further_bases = [base.__name__ for base in getattr(exceptions, name).__bases__[1:]]
        assert further_bases == re.findall(r"\w+", also), name
