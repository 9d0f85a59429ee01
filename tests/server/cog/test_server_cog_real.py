"""Predictors of every kind, run by Replicate's own Cog server behind the local one."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from replicate_sync.server import CogError, LocalServer
from replicate_sync.server.cog import predictor_model
from replicate_sync.server.cog.predictor_model import CogModel

pytest.importorskip("cog")
pytestmark = pytest.mark.cog
MODELS = Path(__file__).parent / "models"
PREDICTORS = {
    "words": "words.py:Predictor",
    "everything": "everything.py",
    "draw": "pictures.py:draw",
    "film": "pictures.py:film",
    "add": "pictures.py:add",
    "together": "together.py:Runner",
    "odd": "odd.py:Predictor",
    "count": "odd.py:count",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(MODELS, tmp_path_factory.mktemp("cog") / "project"))


@pytest.fixture(scope="module")
def cogs(folder: Path) -> Iterator[LocalServer]:
    with LocalServer(idle_timeout=0.5) as server:
        for name, predictor in PREDICTORS.items():
            server.cog(f"me/{name}", str(folder / predictor))
        yield server


@pytest.fixture
def call(cogs: LocalServer, caller_of: Callable[[LocalServer], Any]) -> Iterator[Any]:
    caller = caller_of(cogs)
    yield caller
    caller.session.close()


@pytest.fixture
def cog_model(folder: Path) -> Iterator[CogModel]:
    model = CogModel(str(folder / "breaks.py"))
    model.open()
    yield model
    model.close()


@pytest.fixture
def breaks(cog_model: CogModel) -> Iterator[LocalServer]:
    with LocalServer() as server:
        server.models.add(cog_model.model("me/breaks"))
        yield server


@pytest.fixture
def broken(breaks: LocalServer, caller_of: Callable[[LocalServer], Any]) -> Iterator[Any]:
    caller = caller_of(breaks)
    yield caller
    caller.session.close()


@pytest.fixture
def call_of(local: LocalServer, caller_of: Callable[[LocalServer], Any]) -> Iterator[Any]:
    caller = caller_of(local)
    yield caller
    caller.session.close()


def schemas(call: Any, name: str) -> dict[str, Any]:
    return call.get(f"/v1/models/me/{name}").json()["latest_version"]["openapi_schema"][
        "components"
    ]["schemas"]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def until(right: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def group_of(pid: int) -> list[int]:
    processes = subprocess.run(
        ["ps", "-eo", "pid=,pgid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    rows = [tuple(map(int, line.split())) for line in processes.splitlines()]
    groups = {group for _, group, parent in rows if parent == pid and group != os.getpgid(pid)}
    return [one for one, group, _ in rows if group in groups]


def runs_again(call: Any) -> None:
    """Run one while the process is started again, which a busy machine takes its time for."""
    made = call.create("me/breaks", {"how": "again"})
    until(lambda: call.get(made["urls"]["get"]).json().get("completed_at") is not None)
    done = call.get(made["urls"]["get"]).json()
    assert (done["output"], done["error"]) == ("again", None)


def test_text_streams_with_logs_and_metrics(call: Any) -> None:
    made = call.create("me/words", {"prompt": "a b c"})
    done = call.until(made, lambda body: body["status"] == "succeeded")
    assert done["output"] == ["a", " b", " c"]
    assert done["logs"] == "saying 3 words"
    assert done["metrics"]["word_count"] == 3
    assert 0 < done["metrics"]["predict_time"] <= done["metrics"]["total_time"]
    events = call.events(made).decode()
    assert re.findall(r"event: (\w+)\nid: \S+\ndata: (.*)\n", events) == [
        ("output", "a"), ("output", " b"), ("output", " c"), ("done", "{}"),
    ]  # fmt: skip
    last = re.findall(r"id: (\S+)", events)[1]
    assert re.findall(r"data: (.*)\n", call.events(made, Last_Event_ID=last).decode()) == [
        " c",
        "{}",
    ]


def test_a_stream_comes_as_it_is_written(call: Any) -> None:
    made = call.create("me/words", {"prompt": "a b c d e", "delay": 0.2})
    with requests.get(made["urls"]["stream"], stream=True, timeout=5) as stream:
        assert next(line for line in stream.iter_lines() if line.startswith(b"data")) == b"data: a"
        assert call.get(made["urls"]["get"]).json()["status"] == "processing"
    assert call.until(made, lambda body: body["status"] != "processing")["output"] == [
        "a",
        " b",
        " c",
        " d",
        " e",
    ]


def test_a_predictor_is_at_home_in_its_folder_and_leaves_nothing_there(
    call: Any, folder: Path
) -> None:
    assert call.run("me/words", {"prompt": ""})["output"] == ["a word of its own"]
    assert {path.name for path in folder.iterdir()} - {path.name for path in MODELS.iterdir()} <= {
        "note.txt"
    }


def test_every_kind_of_input_reaches_the_predictor(call: Any, cogs: LocalServer) -> None:
    data = "data:text/plain;base64," + base64.b64encode(b"inline").decode()
    parts = {"content": ("given.txt", b"uploaded", "text/plain")}
    uploaded = call.send("POST", "/v1/files", files=parts).json()["urls"]["get"]
    given = {
        "text": "hi",
        "mode": "loud",
        "size": 4,
        "share": 1,
        "steps": 9,
        "flag": True,
        "seed": None,
        "maybe": 7,
    }
    given |= {"tags": ["x", "y"], "key": "hush", "file": uploaded, "files": [data, uploaded]}
    done = call.run("me/everything", given)
    assert done["error"] is None
    inputs = [
        "HI",
        4,
        1.0,
        9,
        True,
        None,
        7,
        ["x", "y"],
        ["uploaded", "inline", "uploaded"],
        "hush",
    ]
    assert done["output"]["said"] == repr(inputs)
    assert done["output"]["left_out"] is None
    assert done["output"]["note"] == f"{cogs.origin}/outputs/{done['id']}/out-0.txt"
    assert requests.get(done["output"]["note"], timeout=5).text == "written"
    assert done["logs"].splitlines() == ["key: **********", "to stderr"]


def test_what_is_left_out_has_the_predictors_defaults(call: Any) -> None:
    done = call.run("me/everything", {"text": "hi"})
    assert done["output"]["said"] == repr(["hi", 2, 0.5, 3, False, None, None, ["a"], [], None])


def test_the_signature_is_the_schema(call: Any) -> None:
    found = schemas(call, "everything")
    given = found["Input"]
    assert given["required"] == ["text"]
    assert list(given["properties"])[:3] == ["text", "mode", "size"]
    assert (found["mode"]["enum"], found["size"]["enum"]) == (["plain", "loud"], [1, 2, 4])
    steps = given["properties"]["steps"]
    assert [steps[key] for key in ("type", "minimum", "maximum", "default", "x-order")] == [
        "integer",
        1,
        9,
        3,
        4,
    ]
    assert given["properties"]["files"]["items"] == {"type": "string", "format": "uri"}
    assert given["properties"]["key"]["x-cog-secret"]
    assert found["Output"]["properties"]["note"]["format"] == "uri"
    assert schemas(call, "words")["Output"]["x-cog-array-display"] == "concatenate"


def test_a_wrong_input_is_refused_before_it_runs(call: Any) -> None:
    for wrong in (
        {},
        {"text": "x", "mode": "soft"},
        {"text": "x", "steps": 10},
        {"text": "x", "other": 1},
    ):
        response = call.post("/v1/predictions", {"version": "me/everything", "input": wrong})
        assert response.status_code == 422, wrong


def test_what_only_cog_checks_fails_with_its_words(call: Any) -> None:
    done = call.run("me/everything", {"text": ""})
    assert (done["status"], done["error"]) == ("failed", 'text: "" is shorter than 1 character')
    assert done["logs"] == ""


def test_functions_are_predictors_too(call: Any) -> None:
    assert call.run("me/add", {"a": 2})["output"] == 3
    one = call.run("me/draw", {"count": 1})["output"]
    assert [url.rpartition("/")[2] for url in one] == ["out-0.png"]
    assert requests.get(one[0], timeout=5).content == b"\x89PNG\x00"
    assert call.run("me/draw", {"count": 0})["output"] == []
    film = call.run("me/film", {"count": 3})
    assert [requests.get(url, timeout=5).content[-1] for url in film["output"]] == [0, 1, 2]
    assert f"data: {film['output'][2]}\n" in call.events(film).decode()


def test_annotations_that_cog_has_no_name_for_allow_anything(call: Any) -> None:
    assert call.run("me/odd", {"bare": "x"})["output"] == [[1, "x"], [2]]
    assert call.run("me/odd", {"mode": "b"})["output"] is None
    assert call.run("me/count", {"to": 3})["output"] == [0, 1, 2]
    assert schemas(call, "count")["Output"]["x-cog-array-type"] == "iterator"


def test_an_async_predictor_runs_as_many_as_it_says(call: Any) -> None:
    made = [call.create("me/together", {"seconds": 0.3}) for _ in range(5)]
    call.until(made[3], lambda body: body["status"] == "starting" or body["completed_at"])
    done = [call.until(one, lambda body: body["status"] == "succeeded") for one in made]
    assert max(int(one["output"][0]) for one in done) == 3


def test_a_failure_is_the_predictors_own(call: Any) -> None:
    done = call.run("me/words", {"prompt": "a b c", "fail_after": 2})
    assert (done["status"], done["error"]) == ("failed", "ValueError: no more words")
    assert (done["output"], done["logs"]) == (["a", " b"], "saying 3 words")


def test_one_at_a_time_the_others_wait_as_starting(broken: Any) -> None:
    first = broken.create("me/breaks", {"seconds": 60})
    broken.until(first, lambda body: "process" in body["logs"])
    second = broken.create("me/breaks", {"how": "next"})
    assert broken.get(second["urls"]["get"]).json()["status"] == "starting"
    assert broken.post(first["urls"]["cancel"]).json()["status"] == "canceled"
    assert broken.until(second, lambda body: body["status"] == "succeeded")["output"] == "next"


def test_one_that_is_canceled_as_it_waits_never_runs(broken: Any) -> None:
    first = broken.create("me/breaks", {"seconds": 60})
    broken.until(first, lambda body: "process" in body["logs"])
    second = broken.create("me/breaks", {"how": "never"})
    broken.post(second["urls"]["cancel"])
    broken.post(first["urls"]["cancel"])
    assert broken.run("me/breaks", {})["output"] == "well"
    assert broken.get(second["urls"]["get"]).json()["started_at"] is None


def test_one_that_does_not_end_when_it_is_canceled_holds_up_no_other(
    broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor_model, "CANCEL_TIMEOUT", 0.2)
    first = broken.create("me/breaks", {"how": "block", "seconds": 60})
    shown = broken.until(first, lambda body: "process" in body["logs"])
    second = broken.create("me/breaks", {"how": "next"})
    broken.post(first["urls"]["cancel"])
    assert broken.until(second, lambda body: body["status"] == "succeeded")["output"] == "next"
    assert gone(int(shown["logs"].removeprefix("process ")))
    assert broken.get(first["urls"]["get"]).json()["status"] == "canceled"


@pytest.mark.parametrize("how", ["the worker ends", "the worker is killed", "Cog is killed"])
def test_a_crash_fails_one_prediction_and_the_next_one_runs(broken: Any, how: str) -> None:
    if how == "the worker ends":
        made = broken.create("me/breaks", {"how": "crash"})
    else:
        made = broken.create("me/breaks", {"seconds": 60})
        begun = broken.until(made, lambda body: "process" in body["logs"])
        worker = int(begun["logs"].split()[-1])
        os.kill(worker if how == "the worker is killed" else os.getpgid(worker), signal.SIGKILL)
    done = broken.until(made, lambda body: body["status"] == "failed")
    assert (
        done["error"]
        == "The model's process crashed in the middle of the prediction; it is started again."
    )
    runs_again(broken)


def test_a_process_that_does_not_restart_is_an_error_and_is_tried_with_each_prediction(
    folder: Path, local: LocalServer, call_of: Any
) -> None:
    local.cog("me/fragile", str(folder / "fragile.py"))
    (folder / "broken").touch()
    try:
        crashed, next_one = (call_of.run("me/fragile", {"crash": crash}) for crash in (True, False))
        assert "crashed" in crashed["error"]
        assert (
            next_one["error"]
            == "The model does not run: fragile.py did not start: RuntimeError: it is broken."
        )
    finally:
        (folder / "broken").unlink()
    assert call_of.run("me/fragile", {})["output"] == "whole"


def test_a_project_that_cannot_be_written_to_is_served_without_a_stream(
    folder: Path, local: LocalServer, call_of: Any
) -> None:
    (folder / ".cog").write_text("a file, where Cog has a folder")
    try:
        local.cog("me/words", str(folder / "words.py"))
        done = call_of.run("me/words", {"prompt": "a b"})
        assert (done["output"], done["logs"]) == (["a", " b"], "saying 2 words")
    finally:
        (folder / ".cog").unlink()


def test_a_crash_of_an_idle_worker_is_no_failure(broken: Any, cog_model: CogModel) -> None:
    worker = int(broken.run("me/breaks", {})["logs"].split()[-1])
    os.kill(worker, signal.SIGKILL)
    until(lambda: not cog_model.is_healthy())
    runs_again(broken)


def test_many_in_a_row_all_succeed(broken: Any) -> None:
    assert {broken.run("me/breaks", {})["status"] for _ in range(100)} == {"succeeded"}


def test_nothing_is_left_when_the_server_stops(
    folder: Path, local: LocalServer, call_of: Any
) -> None:
    local.cog("me/breaks", str(folder / "breaks.py"))
    worker = int(call_of.run("me/breaks", {})["logs"].split()[-1])
    made = call_of.create("me/breaks", {"seconds": 60})
    call_of.until(made, lambda body: "process" in body["logs"])
    cog = os.getpgid(worker)
    started_at = time.monotonic()
    local.stop()
    assert time.monotonic() - started_at < 2
    assert gone(worker)
    assert gone(cog)
    local.start()
    assert call_of.run("me/breaks", {})["output"] == "well"


@pytest.mark.parametrize(
    ("predictor", "message", "output"),
    [
        (
            "broken_setup.py",
            "broken_setup.py did not start: RuntimeError: there are no weights.",
            "",
        ),
        (
            "broken_import.py:X",
            "broken_import.py:X cannot be loaded: ModuleNotFoundError: .*nowhere",
            "line 1, in <module>",
        ),
        (
            "broken_words.py",
            "broken_words.py cannot be loaded: ValueError: it is said in.$",
            "two lines",
        ),
        (
            "broken_exit.py",
            "broken_exit.py cannot be loaded: its program ended with exit code 7.",
            "",
        ),
        (
            "words.py:Nobody",
            "words.py:Nobody cannot be loaded: AttributeError: words.py has no Nobody.",
            "Traceback",
        ),
        ("nowhere.py:X", "no predictor at .*nowhere.py:X: give its file and class", ""),
    ],
)
def test_a_predictor_that_cannot_start_is_an_error(
    folder: Path, predictor: str, message: str, output: str
) -> None:
    server = LocalServer()
    with pytest.raises(CogError, match=message) as caught:
        server.cog("me/broken", str(folder / predictor))
    assert output in caught.value.output
    assert "coglet" not in caught.value.output
    assert server.models.get("me/broken") is None
    server.stop()
    assert not (folder / ".cog").exists()


def test_a_schema_that_was_there_is_there_afterwards(folder: Path) -> None:
    (folder / ".cog").mkdir()
    kept = folder / ".cog" / "openapi_schema.json"
    kept.write_text("as it was")
    try:
        server = LocalServer()
        server.cog("me/add", str(folder / "pictures.py:add"))
        server.stop()
        assert kept.read_text() == "as it was"
    finally:
        shutil.rmtree(folder / ".cog")


def serve(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "replicate_sync", "serve", "--port", "0", *arguments],
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )


def listening(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    printed = ""
    while "Ctrl-C stops it" not in printed:
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        printed += line
    url, token = re.findall(r"export REPLICATE_\w+=(\S+)", printed)
    return url, token


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(folder: Path, how: signal.Signals) -> None:
    with serve(".", "--as", "me/words", cwd=folder) as process:
        url, token = listening(process)
        body = {"version": "me/words", "input": {"prompt": "a b c", "delay": 5}}
        made = requests.post(
            f"{url}/predictions", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=5
        )
        assert made.status_code == 201
        children = group_of(process.pid)
        assert len(children) == 2
        if how == signal.SIGINT:  # as a terminal sends it: to the whole group
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        rest, complaints = process.communicate(timeout=10)
    assert complaints == ""
    if how != signal.SIGKILL:
        assert (process.returncode, rest) == (0, "\nStopped.\n")
    until(lambda: all(gone(child) for child in children))


def test_the_command_ends_with_a_sentence_where_a_predictor_cannot_start(folder: Path) -> None:
    with serve("broken_setup.py", "--as", "me/broken", cwd=folder) as process:
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 1
    *before, last = complaints.splitlines()
    assert last == "Error: broken_setup.py did not start: RuntimeError: there are no weights."
    assert before in (
        ["looking for the weights"],
        [],
    )  # Cog sometimes loses what was written before a failure


def test_a_cog_server_that_runs_already_is_fronted(
    cog_model: CogModel, caller_of: Callable[[LocalServer], Any]
) -> None:
    with LocalServer() as server:
        server.cog("you/breaks", url=cog_model.url)
        caller = caller_of(server)
        assert caller.run("you/breaks", {"how": "fronted"})["output"] == "fronted"
        caller.session.close()
    assert cog_model.is_healthy()


def test_two_of_one_project_start_at_once(
    folder: Path, caller_of: Callable[[LocalServer], Any]
) -> None:
    with LocalServer() as server:
        started = [
            threading.Thread(target=server.cog, args=(f"me/{number}", str(folder / "words.py")))
            for number in range(3)
        ]
        for one in started:
            one.start()
        for one in started:
            one.join()
        caller = caller_of(server)
        for number in range(3):
            assert caller.run(f"me/{number}", {"prompt": "a b"})["output"] == ["a", " b"]
        caller.session.close()
    assert not (folder / ".cog").exists()
