"""Where a predictor is, and what its cog.yaml says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from replicate_sync.server import CogError, LocalServer
from replicate_sync.server.cog.predictor import Predictor


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a predictor, and without a cog.yaml."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "predict.py").write_text("")
    return tmp_path


def configure(project: Path, text: str) -> None:
    pytest.importorskip("yaml")  # which Cog brings
    (project / "cog.yaml").write_text(text)


@pytest.mark.slow
def test_without_cog_the_error_says_what_to_install(local: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "cog.py").write_text("raise ModuleNotFoundError(\"No module named 'cog'\")")
    (tmp_path / "predict.py").write_text("import cog")
    with pytest.raises(CogError, match=r"pip install cog==0\.23\.1 coglet==0\.23\.1$"):
        local.cog("me/cog", str(tmp_path / "predict.py"))


@pytest.mark.slow
def test_a_predictor_that_ends_its_program_is_an_error(tmp_path: Path) -> None:
    program = "import os, sys; print('last words', file=sys.stderr); os._exit(7)"
    (tmp_path / "cog.py").write_text(program)
    (tmp_path / "predict.py").write_text("import cog")
    with pytest.raises(
        CogError, match="cannot be loaded: its program ended with exit code 7"
    ) as raised:
        Predictor(str(tmp_path / "predict.py")).signature()
    assert raised.value.output == "last words"


@pytest.mark.parametrize("key", ["run", "predict"])
def test_a_cog_yaml_names_the_predictor(project: Path, key: str) -> None:
    configure(project, f'build:\n  gpu: true\n{key}: "src/predict.py:Mine" # ours\n')
    for given in (str(project), f"{project / 'src' / 'predict.py'}:Mine"):
        predictor = Predictor(given)
        assert (predictor.folder, predictor.reference) == (project, "src/predict.py:Mine")


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("concurrency:\n  max: 4\n", 4),
        ("concurrency: {max: 4}\n", 4),
        ("{predict: src/predict.py, concurrency: {max: 4}}", 4),
        ("concurrency:\n  # as many as fit\n  default_target: 2\n\n  max: 4  # at most\n", 4),
        ("# concurrency:\n#   max: 4\n", None),
        ("- a list\n", None),
        ("", None),
    ],
)
def test_a_cog_yaml_says_how_many_run_at_a_time(
    project: Path, text: str, slots: int | None
) -> None:
    configure(project, text)
    assert Predictor(str(project / "src" / "predict.py")).slots == slots


@pytest.mark.parametrize("text", ["{max: many}", "{max: 0}", "{max: true}", "4"])
def test_a_concurrency_that_is_no_number_is_an_error(project: Path, text: str) -> None:
    configure(project, f"concurrency: {text}\n")
    with pytest.raises(CogError, match="concurrency"):
        Predictor(str(project / "src" / "predict.py"))


@pytest.mark.parametrize("text", [None, "build:\n  gpu: true\n", "predict: 5\n", "- a list\n"])
def test_a_folder_without_a_predictor_is_an_error(project: Path, text: str | None) -> None:
    if text is not None:
        configure(project, text)
    with pytest.raises(CogError, match=r"No cog\.yaml in .* names a predictor"):
        Predictor(str(project))


def test_a_cog_yaml_that_is_no_yaml_is_an_error(project: Path) -> None:
    configure(project, "predict: [\n")
    with pytest.raises(CogError, match=r"cog\.yaml is no YAML\.") as raised:
        Predictor(str(project))
    assert "line 2" in raised.value.output


def test_without_pyyaml_the_error_says_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "cog.yaml").write_text("predict: src/predict.py\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CogError, match=r"Reading cog\.yaml needs PyYAML: pip install PyYAML$"):
        Predictor(str(project))


def test_a_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CogError, match=r"There is no predictor at nowhere\.py:X: give its file"):
        Predictor("nowhere.py:X")
