"""How results are written: text to the letter, files as URLs or saved, anything else as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path

import click
import pytest
from fake_downloader import FakeDownloader

from replicate_sync import FileOutput, Replicate, ReplicateError
from replicate_sync.cli.output import save_result, write_result, write_text

DONE = {"id": "abc", "status": "succeeded", "model": "me/model", "urls": {"web": "https://a.b"}}


def write(result: object, *, as_json: bool = False) -> None:
    prediction = Replicate().predictions.from_json(DONE)
    write_result(prediction, result, None, as_json=as_json, progress=False)


def file(text: str) -> FileOutput:
    return FileOutput(f"data:text/plain,{text}", FakeDownloader())


def pieces(*texts: str, error: Exception | None = None) -> Generator[str, None, None]:
    yield from texts
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("result", "output"),
    [
        ("hello", "hello"),
        ("", ""),
        (file("a"), "data:text/plain,a\n"),
        ([file("a"), file("b")], "data:text/plain,a\ndata:text/plain,b\n"),
        (Path("a.txt"), "a.txt\n"),
        ([], "[]\n"),
        (["a"], '["a"]\n'),
        ([file("a"), "b"], '["data:text/plain,a", "b"]\n'),
        ({"ü": [1, None], "file": file("a")}, '{"ü": [1, null], "file": "data:text/plain,a"}\n'),
        (None, "null\n"),
    ],
    ids=str,
)
def test_each_kind_of_result_has_its_form(
    capsys: pytest.CaptureFixture[str], result: object, output: str
) -> None:
    write(result)
    assert capsys.readouterr().out == output


def test_a_program_gets_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    write([file("a")], as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "id": "abc",
        "model": "me/model",
        "version": None,
        "status": "succeeded",
        "output": ["data:text/plain,a"],
        "metrics": {},
        "url": "https://a.b",
    }


def test_in_a_terminal_the_last_line_is_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write("hello")
    write("hello\n")
    write_text(pieces("one", " two", ""), as_json=False)
    write_text(pieces("one\n"), as_json=False)
    with pytest.raises(ReplicateError):
        write_text(pieces("half", error=ReplicateError("no")), as_json=False)
    assert capsys.readouterr().out == "hello\nhello\none two\none\nhalf\n"


def test_pieces_are_lines_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    write_text(pieces("one", "\n", "ü"), as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"text": text} for text in ("one", "\n", "ü")]


def test_a_text_that_cannot_be_written_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def text() -> Generator[str, None, None]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.append(True)

    def broken_pipe(*arguments: object, **options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", broken_pipe)
    generator = text()
    with pytest.raises(BrokenPipeError):
        write_text(generator, as_json=False)
    assert closed


def test_files_of_one_name_do_not_take_each_others_place(tmp_path: Path) -> None:
    result = {"one": file("a"), "two": [file("b"), file("c")]}
    saved = save_result(result, f"{tmp_path}/", progress=False)
    assert isinstance(saved, dict)
    paths = [saved["one"], *saved["two"]]
    assert [path.read_text() for path in paths] == ["a", "b", "c"]
    stem = saved["one"].stem
    assert [path.stem for path in paths] == [stem, f"{stem}-1", f"{stem}-2"]


def test_several_files_with_one_name_for_all_are_numbered(tmp_path: Path) -> None:
    files = [file("a"), file("b")]
    saved = save_result(files, str(tmp_path / "new" / "pic.bin"), progress=False)
    assert saved == [tmp_path / "new" / "pic-0.bin", tmp_path / "new" / "pic-1.bin"]
    saved = save_result(files, str(tmp_path / "folder"), progress=False)
    assert isinstance(saved, list)
    assert {path.parent for path in saved} == {tmp_path / "folder"}


def test_one_file_takes_the_name_that_it_is_given(tmp_path: Path) -> None:
    assert save_result(file("a"), str(tmp_path / "here"), progress=False) == tmp_path / "here"
    assert (tmp_path / "here").read_text() == "a"
    inside = save_result(file("a"), str(tmp_path), progress=False)
    assert isinstance(inside, Path)
    assert inside.parent == tmp_path


@pytest.mark.parametrize(
    ("result", "name", "content"),
    [
        ("hello", "output.txt", "hello"),
        ({"ü": [1, None]}, "output.json", '{\n  "ü": [\n    1,\n    null\n  ]\n}\n'),
    ],
)
def test_a_result_without_files_is_saved_as_text_or_json(
    tmp_path: Path, result: object, name: str, content: str
) -> None:
    assert save_result(result, f"{tmp_path}/", progress=False) == tmp_path / name
    assert (tmp_path / name).read_text(encoding="utf-8") == content
