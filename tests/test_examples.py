"""Each example does what it says, on the local server."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from replicate_sync.server import LocalServer

EXAMPLES = Path(__file__).parent.parent / "examples"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def environment(server: LocalServer) -> dict[str, str]:
    access = {"REPLICATE_BASE_URL": server.url, "REPLICATE_API_TOKEN": server.token}
    return {**os.environ, **access, "PYTHONWARNINGS": "error"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        program = [sys.executable, *command]
        return subprocess.run(
            program,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=environment,
            encoding="utf-8",
        )

    return run


def test_chat_remembers_what_was_said(run: Run, server: LocalServer) -> None:
    ran = run(str(EXAMPLES / "chat.py"), given="What is a river?\nAnd a stream?\n\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("model: ") == 2
    assert "What is a river?" in server.jobs.all()[0].input["prompt"]


def test_image_saves_its_pictures(run: Run, tmp_path: Path) -> None:
    ran = run(str(EXAMPLES / "image.py"), "a", "red", "cube")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "picture-1.png\npicture-2.png\n", "")
    assert all(
        (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        for name in ("picture-1.png", "picture-2.png")
    )


def test_stream_stops_where_there_is_enough(run: Run) -> None:
    ran = run(str(EXAMPLES / "stream.py"))
    assert (ran.returncode, ran.stderr) == (0, "")
    text, _, said = ran.stdout.rpartition("\n-- ")
    assert said.startswith("canceled, ")
    assert 200 < len(text) < 300


def test_batch_is_taken_up_where_it_was(run: Run, server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("One river\nTwo rivers\nThree rivers\n", encoding="utf-8")
    before = len(server.jobs.all())
    for _ in range(2):
        ran = run(str(EXAMPLES / "batch.py"), "prompts.txt", "answers.jsonl")
        assert (ran.returncode, ran.stdout, ran.stderr) == (
            0,
            "3 answered, 0 failed: answers.jsonl\n",
            "",
        )
        lines = [
            json.loads(line)
            for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        assert [line["prompt"] for line in lines] == ["One river", "Two rivers", "Three rivers"]
        assert all(len(line["answer"]) > 20 for line in lines)
    assert len(server.jobs.all()) == before + 3


def test_train_makes_a_version_that_runs(run: Run, tmp_path: Path, server: LocalServer) -> None:
    (tmp_path / "examples.zip").write_bytes(b"PK")
    from replicate_sync import Replicate

    client = Replicate(server.token, base_url=server.url)
    version = client.models.get("local/trainer").latest_version
    client.models.create("me/mine", visibility="private", hardware="cpu")
    assert version is not None
    ran = run(str(EXAMPLES / "train.py"), f"local/trainer:{version.id}", "me/mine", "examples.zip")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "20/20" in ran.stdout
    assert (tmp_path / "trained-1.png").stat().st_size > 500


def test_the_tests_of_your_code_pass(run: Run) -> None:
    ran = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        str(EXAMPLES / "test_your_code.py"),
    )
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


@pytest.mark.parametrize("name", ["tour", "pictures"])
def test_the_notebooks_run_from_top_to_bottom(
    name: str, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("PYTHONWARNINGS")
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), (
        "a notebook is kept without its outputs"
    )
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    shown: list[Any] = [output["data"] for output in outputs if "data" in output]
    assert any(data.get("text/html", "").count('<img src="data:image/webp') >= 3 for data in shown)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == ({"lighthouse.webp"} if name == "tour" else {"pictures", "pictures.db"})


def test_each_example_is_short_and_is_tested_here() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 50, path
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    tested = {"chat", "image", "stream", "batch", "train", "webhook", "test_your_code"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested
