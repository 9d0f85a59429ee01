"""What `replicate-sync run` sends, refuses, writes and saves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cli_runner import invoke, statuses

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

HELLO = ("run", "replicate/hello-world")


@pytest.fixture
def two_files(server: LocalServer) -> str:
    """Return a model that makes two files of the same name, with different contents."""

    def two_files(text: str = "x") -> list[BytesIO]:
        return [BytesIO(f"{text}{number}".encode()) for number in range(2)]

    server.model("me/two-files")(two_files)
    return "me/two-files"


@pytest.mark.slow
def test_a_file_is_sent_as_what_it_is(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/size")
    def size(file: Path, note: str = "") -> str:
        return f"{file.stat().st_size} {note}"

    (tmp_path / "cat.png").write_bytes(b"x" * 300)
    at = f"file=@{tmp_path}/cat.png"
    assert invoke("run", "me/size", "-i", at).stdout == "300 "
    assert invoke("run", "me/size", "-i", "file=@-", input=b"\xff" * 7).stdout == "7 "
    result = invoke("run", "me/size", "-i", "note=@-", "-i", at, input="from stdin")
    assert result.stdout == "300 from stdin"
    (tmp_path / "in.json").write_text(json.dumps({"file": at[5:], "note": "@home"}))
    assert invoke("run", "me/size", "--input-json", tmp_path / "in.json").stdout == "300 @home"


@pytest.mark.parametrize(
    "words",
    [("-i", "note=@-", "-i", "file=@-"), ("--input-json", "-", "-i", "file=@-")],
    ids=str,
)
def test_stdin_is_read_only_once(server: LocalServer, words: tuple[str, ...]) -> None:
    result = invoke("run", "me/size", *words, input="x")
    assert result.exit_code == 2
    assert "stdin can be read only once" in result.stderr


def test_all_inputs_may_come_as_json_and_a_single_one_wins(server: LocalServer) -> None:
    words = (*HELLO, "--input-json", "-")
    assert invoke(*words, input='{"text": "Alice"}').stdout == "hello Alice"
    assert invoke(*words, "-i", "text=Bob", input='{"text": "Alice"}').stdout == "hello Bob"
    for wrong, message in (("[1]", "a JSON object"), ("{", "--input-json is not JSON")):
        result = invoke(*words, input=wrong)
        assert result.exit_code == 2
        assert message in result.stderr
    assert "cannot be read" in invoke("run", "a/b", "--input-json", "/none").stderr


def test_what_does_not_fit_the_model_is_refused_before_anything_runs(
    fresh_server: LocalServer,
) -> None:
    model = "black-forest-labs/flux-schnell"
    result = invoke("run", model, "-i", "promt=x", "-i", "num_outputs=9")
    assert result.exit_code == 2
    for words in ("did you mean 'prompt'", "num_outputs must be at most 4", "Nothing was sent"):
        assert words in result.stderr
    assert statuses() == []


def test_a_text_is_written_to_the_letter(server: LocalServer, tmp_path: Path) -> None:
    words = (*HELLO, "-i", "text=Alice")
    out = tmp_path / "new" / "a.txt"
    assert invoke(*words).stdout == "hello Alice"
    assert invoke(*words, "--stream").stdout == "hello Alice"
    assert invoke(*words, "-o", out).stdout == f"{out}\n"
    assert out.read_text() == "hello Alice"


@pytest.mark.slow
def test_files_are_urls_or_saved_without_taking_each_others_place(
    two_files: str, tmp_path: Path
) -> None:
    urls = invoke("run", two_files).stdout.splitlines()
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1") for url in urls)
    folder = tmp_path / "out"
    for text in ("a", "b"):
        lines = invoke("run", two_files, "-i", f"text={text}", "-o", f"{folder}/").stdout
        contents = [Path(line).read_text() for line in lines.splitlines()]
        assert contents == [f"{text}0", f"{text}1"]
    assert sorted(path.read_text() for path in folder.iterdir()) == ["a0", "a1", "b0", "b1"]


def test_a_program_gets_one_document(two_files: str, tmp_path: Path) -> None:
    document = json.loads(invoke("run", two_files, "--json", "-o", f"{tmp_path}/").stdout)
    assert set(document) == {"id", "model", "version", "status", "output", "metrics", "url"}
    assert (document["model"], document["status"]) == (two_files, "succeeded")
    assert [Path(path).read_text() for path in document["output"]] == ["x0", "x1"]


def test_a_program_gets_a_stream_as_lines(server: LocalServer) -> None:
    @server.model("me/words")
    def words() -> Iterator[str]:
        yield from ("one ", "two")

    lines = invoke("run", "me/words", "--stream", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "one "}, {"text": "two"}]


def test_without_waiting_the_id_is_there_at_once_and_it_keeps_running(server: LocalServer) -> None:
    words = ("run", "local/slow", "-i", "seconds=30", "--no-wait")
    result = invoke(*words)
    assert result.exit_code == 0
    client = Replicate()
    assert client.predictions.cancel(result.stdout.strip()).status == "canceled"
    document = json.loads(invoke(*words, "--json").stdout)
    assert document["output"] is None
    assert client.predictions.cancel(document["id"]).status == "canceled"


@pytest.mark.parametrize(
    "words",
    [
        ("--no-wait", "--stream"),
        ("--no-wait", "-o", "x"),
        ("--no-wait", "--local"),
        ("--stream", "-o", "x"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(
    fresh_server: LocalServer, words: tuple[str, ...]
) -> None:
    result = invoke("run", "local/slow", *words)
    assert result.exit_code == 2
    assert words[0] in result.stderr
    assert statuses() == []


@pytest.mark.slow
def test_after_the_timeout_it_keeps_running_and_the_hint_is_one_for_a_shell(
    fresh_server: LocalServer,
) -> None:
    result = invoke("run", "local/slow", "--timeout", "0.1")
    assert result.exit_code == 4
    [prediction] = Replicate().predictions.list()
    assert not prediction.ended
    assert f"replicate-sync predictions wait {prediction.id}" in result.stderr
    assert "deadline" not in result.stderr
    prediction.cancel()


@pytest.mark.slow
def test_with_local_nothing_is_said_to_keep_running_after_the_timeout() -> None:
    result = invoke("run", "local/slow", "--timeout", "0.1", "--local")
    assert result.exit_code == 4
    assert "was canceled, as the local server ends" in result.stderr


@pytest.mark.slow
def test_progress_bars_are_on_stderr_where_they_are_wanted(server: LocalServer) -> None:
    result = invoke(*HELLO, "-i", "text=Alice", "--progress")
    assert result.stdout == "hello Alice"
    assert "replicate/hello-world: succeeded" in result.stderr
    assert invoke(*HELLO, "-i", "text=Alice").stderr == ""
