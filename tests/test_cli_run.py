"""What `replicate-sync run` reads, refuses, writes and saves."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from test_cli import invoke, started, until

from replicate_sync import FileOutput, InvalidInputError, Replicate
from replicate_sync.cli import values
from replicate_sync.cli.results import saved
from replicate_sync.schemas import Inputs
from replicate_sync.server import LocalServer

SCHEMAS = {
    "Input": {
        "properties": {
            "prompt": {"type": "string"},
            "n": {"type": "integer"},
            "scale": {"type": "number"},
            "fast": {"type": "boolean"},
            "options": {"type": "object"},
            "words": {"type": "array"},
            "image": {"type": "string", "format": "uri"},
        }
    }
}
KNOWN, UNKNOWN = Inputs(SCHEMAS), Inputs(None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server


@pytest.fixture
def two(server: LocalServer) -> str:
    """A model that gives two files of the same name, with different contents."""

    def two(text: str = "x") -> list[BytesIO]:
        return [BytesIO(f"{text}{number}".encode()) for number in range(2)]

    server.model("me/two")(two)
    return "me/two"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("prompt=hello", "hello"),
        ("prompt=a=b", "a=b"),
        ("prompt=", ""),
        ("prompt=5", "5"),
        ('prompt="5"', '"5"'),
        ("prompt=@@alice", "@alice"),
        ("prompt=@@@alice", "@@alice"),
        ("n=5", 5),
        ("scale=1e3", 1000.0),
        ("fast=true", True),
        ('options={"a": [1]}', {"a": [1]}),
        ("words=[1, 2]", [1, 2]),
        ("words=hello", ["hello"]),
        ("image=https://a.b/c.png", "https://a.b/c.png"),
        ("image=data:,x", "data:,x"),
        ("other=5", 5),
        ("other=hello", "hello"),
        ('other="5"', '"5"'),
        ("other=[1", "[1"),
    ],
)
def test_a_value_is_read_as_the_model_takes_it(word: str, value: Any) -> None:
    [found] = values.pairs([word], KNOWN).values()
    assert found == value
    assert type(found) is type(value)


def test_without_a_schema_a_value_is_json_or_else_text() -> None:
    assert values.pairs(["n=5", "s=five", "l=[1]"], UNKNOWN) == {"n": 5, "s": "five", "l": [1]}


def test_an_input_that_is_a_list_may_be_given_several_times(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    given = ["words=a", "words=2", f"words=@{tmp_path}/a.png"]
    assert values.pairs(given, KNOWN) == {"words": ["a", 2, tmp_path / "a.png"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["hello"], "name=value"),
        (["=hello"], "name=value"),
        (["n=five"], "n takes a whole number, not 'five'"),
        (["scale=much"], "scale takes a number"),
        (["fast=yes"], "fast takes true or false, not 'yes'"),
        (["options=a"], "options takes a JSON object"),
        (["image=cat.png"], "write image=@cat.png"),
        (
            ["prompt=@none"],
            "There is no file 'none' for prompt; a text that begins with @ is written with two, prompt=@@none",
        ),
        (["image=@none"], "There is no file 'none' for image"),
        (["prompt=a", "prompt=b"], "prompt is given 2 times"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_read_is_one_sentence(words: list[str], says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        values.pairs(words, KNOWN)
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")


def test_at_is_a_file_where_the_model_takes_one_and_else_the_text_in_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text('{"a": "ä"}', encoding="utf-8")
    word = f"=@{file}"
    assert values.pairs([f"image{word}", f"other{word}"], KNOWN) == {"image": file, "other": file}
    assert values.pairs([f"prompt{word}", f"options{word}"], KNOWN) == {"prompt": '{"a": "ä"}', "options": {"a": "ä"}}
    file.write_bytes(b"\x89PNG\xff")
    with pytest.raises(InvalidInputError, match="The file for prompt is not text in UTF-8"):
        values.pairs([f"prompt{word}"], KNOWN)


def test_a_file_travels_as_what_it_is(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/size")
    def size(file: Path, note: str = "") -> str:
        return f"{file.stat().st_size} {note}"

    (tmp_path / "cat.png").write_bytes(b"x" * 300)
    assert invoke("run", "me/size", "-i", f"file=@{tmp_path}/cat.png").stdout == "300 "
    assert invoke("run", "me/size", "-i", "file=@-", input=b"\xff" * 7).stdout == "7 "
    shown = invoke("run", "me/size", "-i", "note=@-", "-i", f"file=@{tmp_path}/cat.png", input="from stdin")
    assert shown.stdout == "300 from stdin"
    assert invoke("run", "me/size", "-i", "note=@-", "-i", "file=@-", input="x").exit_code == 2
    (tmp_path / "in.json").write_text(json.dumps({"file": f"@{tmp_path}/cat.png", "note": "@home"}))
    assert invoke("run", "me/size", "--input-json", tmp_path / "in.json").stdout == "300 @home"


def test_all_inputs_may_come_as_json_and_a_single_one_wins(server: LocalServer) -> None:
    words = ("run", "replicate/hello-world", "--input-json", "-")
    assert invoke(*words, input='{"text": "Alice"}').stdout == "hello Alice"
    assert invoke(*words, "-i", "text=Bob", input='{"text": "Alice"}').stdout == "hello Bob"
    for wrong, says in (("[1]", "a JSON object"), ("{", "--input-json is not JSON")):
        shown = invoke(*words, input=wrong)
        assert shown.exit_code == 2
        assert says in shown.stderr
    assert "cannot be read" in invoke("run", "a/b", "--input-json", "/none").stderr


def test_what_does_not_fit_the_model_is_refused_before_anything_runs(server: LocalServer) -> None:
    shown = invoke("run", "black-forest-labs/flux-schnell", "-i", "promt=x", "-i", "num_outputs=9")
    assert shown.exit_code == 2
    for words in ("did you mean 'prompt'", "num_outputs must be at most 4", "Nothing was sent"):
        assert words in shown.stderr
    assert list(Replicate().predictions.list()) == []


def test_a_text_is_written_to_the_letter(server: LocalServer, tmp_path: Path) -> None:
    assert invoke("run", "replicate/hello-world", "-i", "text=Alice").stdout == "hello Alice"
    assert invoke("run", "replicate/hello-world", "-i", "text=Alice", "--stream").stdout == "hello Alice"
    shown = invoke("run", "replicate/hello-world", "-i", "text=Alice", "-o", tmp_path / "new" / "a.txt")
    assert shown.stdout == f"{tmp_path / 'new' / 'a.txt'}\n"
    assert (tmp_path / "new" / "a.txt").read_text() == "hello Alice"


def test_values_are_written_as_json_with_the_files_in_them(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/value")
    def value(n: int = 1) -> dict:  # type: ignore[type-arg]
        return {"n": n, "ü": [1, None]}

    assert json.loads(invoke("run", "me/value").stdout) == {"n": 1, "ü": [1, None]}
    [path] = invoke("run", "me/value", "-o", f"{tmp_path}/").stdout.splitlines()
    assert Path(path).name == "output.json"
    assert json.loads(Path(path).read_text(encoding="utf-8")) == {"n": 1, "ü": [1, None]}


def test_files_are_addresses_or_saved_without_taking_each_others_place(two: str, tmp_path: Path) -> None:
    urls = invoke("run", two).stdout.splitlines()
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1") for url in urls)
    folder = tmp_path / "out"
    for text in ("a", "b"):
        paths = [Path(line) for line in invoke("run", two, "-i", f"text={text}", "-o", f"{folder}/").stdout.splitlines()]
        assert [path.read_text() for path in paths] == [f"{text}0", f"{text}1"]
    assert sorted(path.read_text() for path in folder.iterdir()) == ["a0", "a1", "b0", "b1"]


def test_files_of_one_name_do_not_take_each_others_place(tmp_path: Path) -> None:
    same = [FileOutput(f"data:text/plain,{text}", download=lambda url: iter(())) for text in "abc"]
    paths = saved({"one": same[0], "two": same[1:]}, f"{tmp_path}/", progress=False)
    assert [path.read_text() for path in (paths["one"], *paths["two"])] == ["a", "b", "c"]
    assert paths["two"][0].name == f"{paths['one'].stem}-1{paths['one'].suffix}"


def test_several_files_with_a_files_name_are_numbered(two: str, tmp_path: Path) -> None:
    shown = invoke("run", two, "-o", tmp_path / "pic.bin")
    assert shown.stdout.splitlines() == [str(tmp_path / "pic-0.bin"), str(tmp_path / "pic-1.bin")]
    assert (tmp_path / "pic-1.bin").read_text() == "x1"
    shown = invoke("run", two, "-o", tmp_path / "folder")
    assert {Path(line).parent for line in shown.stdout.splitlines()} == {tmp_path / "folder"}


def test_one_file_takes_the_name_that_it_is_given(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/one")
    def one() -> BytesIO:
        return BytesIO(b"one")

    assert invoke("run", "me/one", "-o", tmp_path / "here").stdout == f"{tmp_path / 'here'}\n"
    assert (tmp_path / "here").read_bytes() == b"one"
    assert Path(invoke("run", "me/one", "-o", tmp_path).stdout.strip()).parent == tmp_path


def test_a_machine_gets_one_document(two: str, tmp_path: Path) -> None:
    shown = invoke("run", two, "--json", "-o", f"{tmp_path}/")
    found = json.loads(shown.stdout)
    assert set(found) == {"id", "model", "version", "status", "output", "metrics", "url"}
    assert (found["model"], found["status"]) == (two, "succeeded")
    assert [Path(path).read_text() for path in found["output"]] == ["x0", "x1"]
    pieces = invoke("run", "meta/meta-llama-3-70b-instruct", "-i", "prompt=Hi", "-i", "seed=1", "--stream", "--json").stdout
    texts = [json.loads(line) for line in pieces.splitlines()]
    assert len(texts) > 3
    assert all(set(text) == {"text"} for text in texts)


def test_without_waiting_the_id_is_there_at_once_and_it_runs_on(server: LocalServer) -> None:
    shown = invoke("run", "local/slow", "-i", "seconds=30", "--no-wait")
    assert shown.exit_code == 0
    found = Replicate().predictions.get(shown.stdout.strip())
    assert not found.ended
    found.cancel()
    described = json.loads(invoke("run", "local/slow", "-i", "seconds=30", "--no-wait", "--json").stdout)
    assert described["output"] is None
    assert Replicate().predictions.cancel(described["id"]).status == "canceled"


@pytest.mark.parametrize("more", [("--stream",), ("-o", "x"), ("--local",)], ids=str)
def test_options_at_odds_are_refused(server: LocalServer, more: tuple[str, ...]) -> None:
    shown = invoke("run", "local/slow", "--no-wait", *more)
    assert shown.exit_code == 2
    assert "--no-wait" in shown.stderr
    assert list(Replicate().predictions.list()) == []


def test_after_the_timeout_it_runs_on_and_the_words_are_those_of_a_shell(server: LocalServer) -> None:
    shown = invoke("run", "local/slow", "--timeout", "0.3")
    assert shown.exit_code == 4
    [prediction] = Replicate().predictions.list()
    assert prediction.status == "processing"
    assert f"replicate-sync predictions wait {prediction.id}" in shown.stderr
    assert "deadline" not in shown.stderr
    prediction.cancel()


def test_after_the_timeout_nothing_is_said_to_run_on_where_it_does_not() -> None:
    shown = invoke("run", "local/slow", "--timeout", "0.3", "--local")
    assert shown.exit_code == 4
    assert "was canceled, as the local server ends" in shown.stderr


def test_bars_are_talk(server: LocalServer) -> None:
    shown = invoke("run", "local/slow", "-i", "seconds=0.3", "--progress")
    assert shown.stdout == "worked for 0.3 seconds"
    assert "local/slow: succeeded" in shown.stderr
    assert invoke("run", "local/slow", "-i", "seconds=0.1").stderr == ""


@pytest.mark.parametrize("more", [(), ("--stream",), ("--json",)], ids=str)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_cancels_and_is_one_line(server: LocalServer, more: tuple[str, ...]) -> None:
    client = Replicate()
    with started("run", "local/slow", "-i", "seconds=60", *more) as process:
        until(lambda: any(one.status == "processing" for one in client.predictions.list()))
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert len(said.splitlines()) == 1
    assert "Stopped." in said
    assert [one.status for one in client.predictions.list()] == ["canceled"]
    if "--json" in more:
        assert json.loads(said)["error"]["type"] == "KeyboardInterrupt"
