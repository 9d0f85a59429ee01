"""What the shell shows of what has been started, and how it is waited for and canceled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cli_runner import invoke, statuses
from wire import StartWire, response

from replicate_sync import PredictionFailed, Replicate
from replicate_sync.server import LocalServer, log


def test_predictions_are_listed_newest_first(fresh_server: LocalServer) -> None:
    client = Replicate()
    for name in ("Alice", "Bob"):
        client.run("replicate/hello-world", {"text": name})
    newest = next(client.predictions.list())
    lines = invoke("predictions", "list").stdout.splitlines()
    assert lines[0].split() == ["id", "model", "status", "created", "(UTC)", "seconds"]
    assert lines[1].split()[:3] == [newest.id, "replicate/hello-world", "succeeded"]
    assert len(lines) == 3
    [only] = invoke("predictions", "list", "--limit", 1, "--json").stdout.splitlines()
    assert json.loads(only)["input"] == {"text": "Bob"}


def test_a_prediction_is_shown_with_everything_that_is_known(server: LocalServer) -> None:
    client = Replicate()
    done = client.predictions.create("replicate/hello-world", {"text": "Alice"}).wait()
    output = invoke("predictions", "show", done.id).stdout
    facts = dict(line.split(None, 1) for line in output.splitlines())
    assert facts["id"] == done.id
    assert facts["input"] == "text: Alice"
    assert facts["output"] == "hello Alice"
    assert facts["page"].startswith("http")
    times = {"created", "started", "completed", "seconds"}
    assert set(facts) == {"id", "model", "status", "page", "input", "output"} | times
    document = json.loads(invoke("predictions", "show", done.id, "--json").stdout)
    assert document["output"] == "hello Alice"


def test_of_a_prediction_that_failed_the_error_and_the_logs_are_shown(server: LocalServer) -> None:
    with pytest.raises(PredictionFailed) as caught:
        Replicate().run("local/always-fails")
    assert caught.value.prediction is not None
    output = invoke("predictions", "show", caught.value.prediction.id).stdout
    assert "\nerror " in output
    assert "about to fail" in output


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"data_removed": True}, ["output It was removed: Replicate keeps it for an hour."]),
        ({"output": {"a": 1}}, ['output {"a": 1}']),
        ({"input": {"n": [1]}}, ["input n: [1]"]),
        (
            {"output": ["https://replicate.delivery/a", "https://replicate.delivery/b"]},
            ["output https://replicate.delivery/a", "https://replicate.delivery/b"],
        ),
    ],
)
def test_each_kind_of_input_and_output_is_shown_in_its_form(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], lines: list[str]
) -> None:
    server = wire(lambda request: [response({"id": "abc", "status": "succeeded", **fields})])
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    output = invoke("predictions", "show", "abc").stdout
    assert [" ".join(line.split()) for line in output.splitlines()[2:]] == lines


def test_of_a_progress_bar_in_the_logs_the_last_state_is_shown(server: LocalServer) -> None:
    @server.model("me/bar")
    def bar() -> str:
        log("begun\n10%|#\r50%|##\r100%|###")
        return "x"

    prediction = Replicate().predictions.create("me/bar").wait()
    output = invoke("predictions", "show", prediction.id).stdout
    assert "100%|###" in output
    assert "50%" not in output


@pytest.mark.slow
def test_waiting_writes_what_running_writes(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/file")
    def file() -> BytesIO:
        return BytesIO(b"content")

    @server.model("me/text")
    def text() -> Iterator[str]:
        yield "slowly "
        time.sleep(0.1)
        yield "written"

    client = Replicate()
    writing = client.predictions.create("me/text")
    assert invoke("predictions", "wait", writing.id).stdout == "slowly written"
    made = client.predictions.create("me/file")
    out = tmp_path / "f"
    assert invoke("predictions", "wait", made.id, "-o", out).stdout == f"{out}\n"
    assert out.read_bytes() == b"content"
    assert json.loads(invoke("predictions", "wait", made.id, "--json").stdout)["id"] == made.id


@pytest.mark.slow
def test_waiting_ends_with_the_timeout_and_leaves_it_running(fresh_server: LocalServer) -> None:
    slow = Replicate().predictions.create("local/slow")
    assert invoke("predictions", "wait", slow.id, "--timeout", 0.1).exit_code == 4
    assert statuses() == ["processing"]
    assert invoke("predictions", "cancel", slow.id).stdout == "canceled\n"
    assert statuses() == ["canceled"]
    document = json.loads(invoke("predictions", "cancel", slow.id, "--json").stdout)
    assert document["status"] == "canceled"
    assert invoke("predictions", "wait", slow.id).exit_code == 1


@pytest.mark.parametrize("verb", ["show", "wait", "cancel"])
def test_a_prediction_that_does_not_exist_is_one_sentence(server: LocalServer, verb: str) -> None:
    result = invoke("predictions", verb, "nothing")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
