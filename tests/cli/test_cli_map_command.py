"""What `replicate-sync map` writes and refuses; and that a killed one is continued, paid for once."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cli_runner import ctrl_c_when, interrupted, invoke, start, statuses, wait_until
from wire import Request, StartWire, response

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@pytest.fixture
def server(server: LocalServer) -> LocalServer:
    """Return the shared server with this module's models."""
    add_models(server)
    return server


@pytest.fixture
def fresh_server(fresh_server: LocalServer) -> LocalServer:
    """Return a fresh server with this module's models."""
    add_models(fresh_server)
    return fresh_server


def add_models(server: LocalServer) -> None:
    """Add models of numbers and files."""

    @server.model("me/double")
    def double(n: int, note: str = "") -> dict:  # type: ignore[type-arg]
        if n < 0:
            raise ValueError("too small")
        return {"twice": 2 * n, "note": note}

    @server.model("me/wait")
    def wait(n: int, seconds: float = 0.25) -> Iterator[str]:
        time.sleep(seconds)
        yield str(n)

    @server.model("me/file")
    def file(image: Path) -> list[BytesIO]:
        return [BytesIO(image.read_bytes() + str(number).encode()) for number in range(2)]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def jsonl(*inputs: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in inputs)


def created() -> Counter[Any]:
    with Replicate() as client:
        return Counter(one.input.get("n") for one in client.predictions.list())


@pytest.mark.slow
def test_each_input_has_its_line_in_order(server: LocalServer, tmp_path: Path) -> None:
    given = [{"n": 2, "seconds": 0.1}, {"n": 1, "seconds": 0.0}, {"n": 3, "seconds": 0.0}]
    expected = [{"index": i, "input": one, "output": str(one["n"])} for i, one in enumerate(given)]
    piped = invoke("map", "me/wait", "-", input=jsonl(*given))
    assert piped.exit_code == 0
    assert lines(piped.stdout) == expected
    (tmp_path / "in.jsonl").write_text(jsonl(*given) + "\n\n")
    saved = invoke("map", "me/wait", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl")
    assert (saved.stdout, saved.stderr) == ("", "")
    assert lines((tmp_path / "out.jsonl").read_text()) == expected


def test_wrong_inputs_are_named_before_anything_runs(
    fresh_server: LocalServer, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("of yesterday")
    given = jsonl({"n": 1}, {"m": 1})
    result = invoke("map", "me/double", "-", "-o", out, input=given)
    assert result.exit_code == 2
    assert "1 of 2 inputs in stdin cannot be used, and nothing was sent" in result.stderr
    assert "Line 2: there is no input 'm'; n is required" in result.stderr
    assert created() == {}
    assert out.read_text() == "of yesterday"


def test_inputs_that_do_not_exist_are_one_sentence(server: LocalServer) -> None:
    result = invoke("map", "me/double", "none.jsonl")
    assert result.exit_code == 2
    message = "Error: INPUTS cannot be read: No such file or directory (none.jsonl).\n"
    assert result.stderr == message


def test_an_input_that_fails_does_not_stop_the_others(server: LocalServer) -> None:
    result = invoke("map", "me/double", "-", input=jsonl({"n": 1}, {"n": -1}, {"n": 2}))
    assert result.exit_code == 5
    first, failed, last = lines(result.stdout)
    assert (first["output"]["twice"], last["output"]["twice"]) == (2, 4)
    assert set(failed) == {"index", "input", "error"}
    assert failed["error"]["type"] == "PredictionFailed"
    assert "too small" in failed["error"]["message"]
    assert failed["error"]["prediction"]
    assert result.stderr == "1 of 3 inputs failed; their lines have an error.\n"


@pytest.mark.parametrize(
    ("token", "code", "model"),
    [("r8_refused", 3, "me/double"), ("r8_local", 2, "nobody/nothing")],
)
def test_what_every_input_would_meet_ends_the_map_and_leaves_the_results_of_before(
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    token: str,
    code: int,
    model: str,
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    out = tmp_path / "out.jsonl"
    out.write_text("of yesterday")
    result = invoke("map", model, "-", "-o", out, input=jsonl({"n": 1}, {"n": 2}))
    assert result.exit_code == code
    assert result.stderr.count("Error: ") == 1
    assert out.read_text() == "of yesterday"


def test_results_that_cannot_be_written_are_an_error_before_anything_runs(
    fresh_server: LocalServer, tmp_path: Path
) -> None:
    out = tmp_path / "none" / "out.jsonl"
    result = invoke("map", "me/double", "-", "-o", out, input=jsonl({"n": 1}))
    assert result.exit_code == 1
    assert "out.jsonl: No such file or directory." in result.stderr
    source = tmp_path / "in.jsonl"
    source.write_text(jsonl({"n": 1}))
    same = invoke("map", "me/double", source, "-o", tmp_path / "." / "in.jsonl")
    assert same.exit_code == 2
    assert "the same file" in same.stderr
    assert created() == {}


def test_no_inputs_make_no_lines(server: LocalServer, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("of yesterday")
    assert invoke("map", "me/double", "-", "-o", out, input="").exit_code == 0
    assert out.read_text() == ""


@pytest.mark.slow
def test_files_go_in_and_come_out(fresh_server: LocalServer, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.bin").write_text(name)
    source = tmp_path / "in.jsonl"
    images = [f"@{tmp_path}/a.bin", f"@{tmp_path}/b.bin"]
    source.write_text(jsonl(*({"image": image} for image in images)))
    words = ("map", "me/file", source, "--journal", tmp_path / "j.db")
    urls = lines(invoke(*words).stdout)[0]["output"]
    assert all(url.startswith("http://127.0.0.1") for url in urls)
    folder = tmp_path / "new" / "out"
    saved = lines(invoke(*words, "--files", folder).stdout)
    paths = [Path(path) for line in saved for path in line["output"]]
    assert saved[0]["input"] == {"image": images[0]}
    assert [path.read_text() for path in paths] == ["a0", "a1", "b0", "b1"]
    assert len(list(folder.iterdir())) == 4
    # When the map is continued later, the URLs may not work any more: nothing is saved twice.
    paths[0].write_text("kept")
    assert lines(invoke(*words, "--files", folder).stdout) == saved
    assert paths[0].read_text() == "kept"
    assert len(statuses()) == 2


def test_a_file_that_cannot_be_saved_is_the_error_of_its_input(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.method == "GET":
            return [response({"detail": "There is no schema."}, 404)]
        output = json.loads(request.body)["input"]["uri"]
        prediction = {"id": output[-2:], "status": "succeeded", "output": output}
        return [response(prediction, 201)]

    monkeypatch.setenv("REPLICATE_BASE_URL", wire(respond).url)
    given = jsonl({"uri": "data:image/png;base64,YWJj"}, {"uri": "data:image/png;base64,a"})
    result = invoke("map", "me/picture", "-", "--files", tmp_path, input=given)
    assert result.exit_code == 5
    good, bad = lines(result.stdout)
    assert Path(good["output"]).read_bytes() == b"abc"
    assert "cannot be parsed" in bad["error"]["message"]


@pytest.mark.slow
def test_a_journal_of_other_inputs_is_refused(fresh_server: LocalServer, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    words = ("map", "me/double", "-", "--journal", tmp_path / "j.db", "-o", out)
    assert invoke(*words, input=jsonl({"n": 1}, {"n": 2})).exit_code == 0
    before = out.read_text()
    result = invoke(*words, input=jsonl({"n": 3}, {"n": 2}))
    assert result.exit_code == 2
    assert "was written for another model or other inputs" in result.stderr
    assert out.read_text() == before
    assert created() == {1: 1, 2: 1}


@pytest.mark.slow
def test_with_a_journal_a_map_that_stopped_is_continued_and_its_results_are_whole(
    fresh_server: LocalServer, tmp_path: Path
) -> None:
    given = [{"n": n} for n in range(6)]
    journal = tmp_path / "j.db"
    results = Replicate().map("me/double", given, concurrency=2, journal=journal)
    with closing(results):
        next(results)
    assert 0 < len(created()) < len(given)
    result = invoke("map", "me/double", "-", "--journal", journal, input=jsonl(*given))
    assert result.exit_code == 0
    assert [line["output"]["twice"] for line in lines(result.stdout)] == [0, 2, 4, 6, 8, 10]
    assert created() == dict.fromkeys(range(6), 1)


@pytest.mark.slow
def test_what_failed_is_run_again_when_asked_for(fresh_server: LocalServer, tmp_path: Path) -> None:
    words = ("map", "me/sometimes", "-", "--journal", tmp_path / "j.db")
    fails = {2}

    @fresh_server.model("me/sometimes")
    def sometimes(n: int) -> int:
        if n in fails:
            raise ValueError("not now")
        return n

    given = jsonl({"n": 1}, {"n": 2}, {"n": 3})
    assert invoke(*words, input=given).exit_code == 5
    fails.clear()
    assert invoke(*words, input=given).exit_code == 5
    again = invoke(*words, "--retry", "failed", "--retry", "expired", input=given)
    assert (again.exit_code, again.stderr) == (0, "")
    assert [line["output"] for line in lines(again.stdout)] == [1, 2, 3]
    assert created() == {1: 1, 2: 2, 3: 1}


def test_to_run_again_needs_a_journal(server: LocalServer) -> None:
    result = invoke("map", "me/double", "-", "--retry", "failed", input=jsonl({"n": 1}))
    assert result.exit_code == 2
    assert "retry= needs a journal=" in result.stderr


@posix
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_cancels_what_is_in_flight(
    fresh_server: LocalServer, tmp_path: Path, name: str
) -> None:
    (tmp_path / "in.jsonl").write_text(jsonl(*({"seconds": 60} for _ in range(4))))
    with start("map", "local/slow", tmp_path / "in.jsonl", "--concurrency", 2) as process:
        assert wait_until(lambda: statuses() == ["processing"] * 2)
        process.send_signal(getattr(signal, name))
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + getattr(signal, name)
    assert errors == "Stopped. 2 predictions in flight were canceled.\n"
    assert statuses() == ["canceled"] * 2


@posix
@pytest.mark.scale
def test_killed_and_started_again_it_creates_nothing_twice_and_the_results_are_whole(
    fresh_server: LocalServer, tmp_path: Path
) -> None:
    given = [{"n": n} for n in range(16)]
    (tmp_path / "in.jsonl").write_text(jsonl(*given))
    out = tmp_path / "out.jsonl"

    def has_written(count: int) -> bool:
        enough_created = out.exists() and len(created()) >= count + 4
        return enough_created and len(out.read_text().splitlines()) >= count

    files = ("-o", out, "--journal", tmp_path / "j.db")
    words = ("map", "me/wait", tmp_path / "in.jsonl", *files, "--concurrency", 4)
    for count in (2, 6):
        with start(*words) as process:
            assert wait_until(lambda: has_written(count))  # noqa: B023
            process.kill()
        assert process.returncode == -signal.SIGKILL
    assert wait_until(lambda: set(statuses()) == {"succeeded"})
    assert 0 < len(created()) < len(given), "the kills came too late"
    with start(*words) as process:
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    expected = [{"index": n, "input": {"n": n}, "output": str(n)} for n in range(16)]
    assert lines(out.read_text()) == expected
    assert created() == dict.fromkeys(range(16), 1)


@pytest.mark.slow
@interrupted
@posix
@pytest.mark.parametrize("with_journal", [False, True])
def test_ctrl_c_cancels_what_is_in_flight_but_with_a_journal_leaves_it(
    fresh_server: LocalServer, tmp_path: Path, with_journal: bool
) -> None:
    given = jsonl(*({"seconds": 60} for _ in range(4)))
    more = ("--journal", tmp_path / "j.db") if with_journal else ()
    with ctrl_c_when(lambda: statuses() == ["processing"] * 2):
        result = invoke("map", "local/slow", "-", "--concurrency", 2, *more, input=given)
    assert result.exit_code == 130
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Stopped. 2 predictions in flight")
    expected = "processing" if with_journal else "canceled"
    assert statuses() == [expected] * 2


@pytest.mark.slow
def test_progress_bars_are_displayed_only_when_asked_for(
    server: LocalServer, tmp_path: Path
) -> None:
    given = jsonl({"n": 1}, {"n": -1})
    result = invoke("map", "me/double", "-", "--progress", "-o", tmp_path / "o", input=given)
    assert "2/2" in result.stderr
    assert "1 failed" in result.stderr
    assert invoke("map", "me/double", "-", input=jsonl({"n": 1})).stderr == ""
