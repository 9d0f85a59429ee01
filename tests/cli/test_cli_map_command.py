"""What `replicate-sync map` reads, writes and refuses; and that a killed one goes on, paying for nothing twice."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cli_runner import invoke, start as started, wait_until as until

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

HELLO = "replicate/hello-world"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:

        @server.model("me/double")
        def double(n: int, note: str = "", fast: bool = False) -> dict:  # type: ignore[type-arg]
            if n < 0:
                raise ValueError("too small")
            return {"twice": 2 * n, "note": note, "fast": fast}

        @server.model("me/wait")
        def wait(n: int, seconds: float = 0.25) -> Iterator[str]:
            time.sleep(seconds)
            yield str(n)

        @server.model("me/file")
        def file(image: Path) -> list[BytesIO]:
            return [BytesIO(image.read_bytes() + str(number).encode()) for number in range(2)]

        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def jsonl(*inputs: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in inputs)


def created() -> Counter[Any]:
    return Counter(one.input.get("n") for one in Replicate().predictions.list())


def test_each_input_has_its_line_in_order(server: LocalServer, tmp_path: Path) -> None:
    given = [{"n": 2, "seconds": 0.2}, {"n": 1, "seconds": 0}, {"n": 3, "seconds": 0}]
    expected = [{"index": i, "input": one, "output": str(one["n"])} for i, one in enumerate(given)]
    piped = invoke("map", "me/wait", "-", input=jsonl(*given))
    assert piped.exit_code == 0
    assert lines(piped.stdout) == expected
    (tmp_path / "in.jsonl").write_text(jsonl(*given) + "\n\n")
    saved = invoke("map", "me/wait", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl")
    assert (saved.stdout, saved.stderr) == ("", "")
    assert lines((tmp_path / "out.jsonl").read_text()) == expected


def test_the_cells_of_a_table_are_read_as_the_model_takes_them(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("from a file")
    rows = ["\ufeffn,note,fast", '1,"5, ""five""",true', "2,,", f"3,@{tmp_path}/note.txt,false", "4,@@home", ""]
    (tmp_path / "in.CSV").write_text("\r\n".join(rows), encoding="utf-8")
    shown = lines(invoke("map", "me/double", tmp_path / "in.CSV").stdout)
    assert [line["input"] for line in shown] == [
        {"n": 1, "note": '5, "five"', "fast": True},
        {"n": 2},
        {"n": 3, "note": "from a file", "fast": False},
        {"n": 4, "note": "@home"},
    ]
    assert [line["output"]["twice"] for line in shown] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("in.jsonl", jsonl({"n": 1}) + "{\n", "Line 2: It is not JSON"),
        ("in.jsonl", jsonl({"n": 1}, [1]), "Line 2: An input is a JSON object"),
        ("in.jsonl", jsonl({"n": 1}, {"m": 1}), "Line 2: there is no input 'm'; n is required"),
        ("in.csv", "n\n1\nx\n", "Line 3: n takes a whole number, not 'x'"),
        ("in.csv", "n,note\n1,a,b\n", "Line 2: it has 3 cells below 2 names"),
        ("in.csv", "n,note\n1,@none\n", "Line 2: There is no file 'none' for note"),
        ("in.csv", "n,note\n1,@-\n", "Line 2: a cell cannot be read from stdin"),
        ("in.csv", 'n,note\n1,"a\n', "It is not CSV"),
        ("in.jsonl", b"\xff\xfe", "is not text in UTF-8"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_inputs_are_all_named_before_anything_runs(
    server: LocalServer, tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "out.jsonl").write_text("of yesterday")
    shown = invoke("map", "me/double", tmp_path / name, "-o", tmp_path / "out.jsonl")
    assert shown.exit_code == 2
    assert says in shown.stderr
    assert created() == {}
    assert (tmp_path / "out.jsonl").read_text() == "of yesterday"


def test_of_many_wrong_lines_the_first_are_named(server: LocalServer) -> None:
    said = invoke("map", "me/double", "-", input=jsonl(*({"m": n} for n in range(9)))).stderr
    assert "9 of 9 inputs in stdin cannot be used, and nothing was sent" in said
    assert "Line 5" in said
    assert "Line 6" not in said
    assert "And 4 more." in said


def test_inputs_that_are_not_there_are_one_sentence(server: LocalServer) -> None:
    shown = invoke("map", "me/double", "none.jsonl")
    assert shown.exit_code == 2
    assert shown.stderr == "Error: INPUTS cannot be read: No such file or directory (none.jsonl).\n"


def test_an_input_that_fails_does_not_stop_the_others(server: LocalServer) -> None:
    shown = invoke("map", "me/double", "-", input=jsonl({"n": 1}, {"n": -1}, {"n": 2}))
    assert shown.exit_code == 5
    good, bad, last = lines(shown.stdout)
    assert (good["output"]["twice"], last["output"]["twice"]) == (2, 4)
    assert set(bad) == {"index", "input", "error"}
    assert bad["error"]["type"] == "PredictionFailed"
    assert "too small" in bad["error"]["message"]
    assert bad["error"]["prediction"]
    assert shown.stderr == "1 of 3 inputs failed; their lines have an error.\n"


@pytest.mark.parametrize(("token", "code", "model"), [("r8_refused", 3, "me/double"), ("r8_local", 2, "nobody/nothing")])
def test_what_every_input_would_meet_ends_the_map_and_leaves_the_results_of_before(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: str, code: int, model: str
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    (tmp_path / "out.jsonl").write_text("of yesterday")
    shown = invoke("map", model, "-", "-o", tmp_path / "out.jsonl", input=jsonl({"n": 1}, {"n": 2}))
    assert shown.exit_code == code
    assert shown.stderr.count("Error: ") == 1
    assert (tmp_path / "out.jsonl").read_text() == "of yesterday"


def test_results_that_cannot_be_written_are_known_before_anything_runs(server: LocalServer, tmp_path: Path) -> None:
    shown = invoke("map", "me/double", "-", "-o", tmp_path / "none" / "out.jsonl", input=jsonl({"n": 1}))
    assert shown.exit_code == 1
    assert "out.jsonl: No such file or directory." in shown.stderr
    (tmp_path / "in.jsonl").write_text(jsonl({"n": 1}))
    same = invoke("map", "me/double", tmp_path / "in.jsonl", "-o", tmp_path / "." / "in.jsonl")
    assert same.exit_code == 2
    assert "the same file" in same.stderr
    assert created() == {}


def test_no_inputs_give_no_lines(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("of yesterday")
    assert invoke("map", "me/double", "-", "-o", tmp_path / "out.jsonl", input="").exit_code == 0
    assert (tmp_path / "out.jsonl").read_text() == ""


def test_files_go_in_and_come_out(server: LocalServer, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.bin").write_text(name)
    (tmp_path / "in.jsonl").write_text(jsonl({"image": f"@{tmp_path}/a.bin"}, {"image": f"@{tmp_path}/b.bin"}))
    words = ("map", "me/file", tmp_path / "in.jsonl", "--journal", tmp_path / "j.db")
    urls = lines(invoke(*words).stdout)[0]["output"]
    assert all(url.startswith("http://127.0.0.1") for url in urls)
    saved = lines(invoke(*words, "--files", tmp_path / "new" / "out").stdout)
    paths = [Path(path) for line in saved for path in line["output"]]
    assert saved[0]["input"] == {"image": f"@{tmp_path}/a.bin"}
    assert [path.read_text() for path in paths] == ["a0", "a1", "b0", "b1"]
    assert len(list((tmp_path / "new" / "out").iterdir())) == 4
    # When the map goes on later, the addresses may be gone; what was saved is not fetched again.
    paths[0].write_text("kept")
    assert lines(invoke(*words, "--files", tmp_path / "new" / "out").stdout) == saved
    assert paths[0].read_text() == "kept"
    assert len(list(Replicate().predictions.list())) == 2


def test_a_journal_of_other_inputs_is_refused(server: LocalServer, tmp_path: Path) -> None:
    words = ("map", "me/double", "-", "--journal", tmp_path / "j.db", "-o", tmp_path / "out.jsonl")
    assert invoke(*words, input=jsonl({"n": 1}, {"n": 2})).exit_code == 0
    before = (tmp_path / "out.jsonl").read_text()
    shown = invoke(*words, input=jsonl({"n": 3}, {"n": 2}))
    assert shown.exit_code == 2
    assert "was written for another model or other inputs" in shown.stderr
    assert (tmp_path / "out.jsonl").read_text() == before
    assert created() == {1: 1, 2: 1}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_killed_and_started_again_it_creates_nothing_twice_and_the_results_are_whole(
    server: LocalServer, tmp_path: Path
) -> None:
    given = [{"n": n} for n in range(16)]
    (tmp_path / "in.jsonl").write_text(jsonl(*given))
    out = tmp_path / "out.jsonl"
    words = ("map", "me/wait", tmp_path / "in.jsonl", "-o", out, "--journal", tmp_path / "j.db", "--concurrency", 4)
    for least in (2, 6):
        with started(*words) as process:
            until(lambda: out.exists() and len(created()) >= least + 4 and len(out.read_text().splitlines()) >= least)  # noqa: B023
            process.kill()
        assert process.returncode == -signal.SIGKILL
    until(lambda: all(one.ended for one in Replicate().predictions.list()))
    assert 0 < len(created()) < len(given), "the kills came too late"
    with started(*words) as process:
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
    assert lines(out.read_text()) == [{"index": n, "input": {"n": n}, "output": str(n)} for n in range(16)]
    assert created() == dict.fromkeys(range(16), 1)


@pytest.mark.parametrize("journal", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_cancels_what_is_in_flight_but_with_a_journal_leaves_it(
    server: LocalServer, tmp_path: Path, journal: bool
) -> None:
    (tmp_path / "in.jsonl").write_text(jsonl(*({"seconds": 60} for _ in range(4))))
    more = ("--journal", tmp_path / "j.db") if journal else ()
    client = Replicate()
    with started("map", "local/slow", tmp_path / "in.jsonl", "--concurrency", 2, *more) as process:
        until(lambda: [one.status for one in client.predictions.list()] == ["processing"] * 2)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert len(said.splitlines()) == 1
    statuses = [one.status for one in client.predictions.list()]
    assert statuses == (["processing"] * 2 if journal else ["canceled"] * 2)


def test_bars_show_only_when_asked_for_here(server: LocalServer, tmp_path: Path) -> None:
    shown = invoke("map", "me/double", "-", "--progress", "-o", tmp_path / "o", input=jsonl({"n": 1}, {"n": -1}))
    assert "2/2" in shown.stderr
    assert "1 failed" in shown.stderr
    assert invoke("map", "me/double", "-", input=jsonl({"n": 1})).stderr == ""
