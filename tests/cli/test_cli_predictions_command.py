"""What the shell shows of models and of what has been started."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cli_runner import invoke, start as started, wait_until as until

from replicate_sync import Replicate
from replicate_sync.cli.models_command import models as _x
from replicate_sync.cli.tables import fit_widths as fitted, format_table as table
from replicate_sync.server import LocalServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
        yield server


def test_a_model_is_shown_with_the_table_of_its_inputs(server: LocalServer) -> None:
    shown = invoke("models", "show", "black-forest-labs/flux-schnell").stdout
    lines = shown.splitlines()
    assert lines[0] == "black-forest-labs/flux-schnell"
    assert "0 runs  https://replicate.com/black-forest-labs/flux-schnell" in lines
    row = {line.split()[0]: line.split() for line in lines if line}
    assert row["prompt"][1:3] == ["string", "required"]
    assert row["go_fast"][1:] == ["boolean", "true"]  # as -i takes it
    assert row["num_outputs"][1:] == ["integer", "1", "1", "to", "4"]
    assert lines[-1] == "It gives a list of files."


def test_a_version_of_a_model_is_shown(server: LocalServer) -> None:
    version = Replicate().models.get("google-deepmind/gemma-2b-it").latest_version
    assert version is not None
    name = f"google-deepmind/gemma-2b-it:{version.id}"
    assert invoke("models", "show", name).stdout.startswith(name)
    assert json.loads(invoke("models", "show", name, "--json").stdout)["version"]["id"] == version.id
    assert invoke("models", "show", str(version.id)).exit_code == 2


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"type": "string"}, "a text"),
        ({"type": "string", "format": "uri"}, "a file"),
        ({"type": "array", "items": {"type": "string", "format": "uri"}}, "a list of files"),
        ({"type": "array", "items": {"type": "string"}, "x-cog-array-display": "concatenate"}, "a text, piece by piece"),
        ({"type": "array", "items": {"type": "string"}}, "a list of texts"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}, "a list, as JSON"),
        ({"$ref": "#/components/schemas/Thing"}, "an object, as JSON"),
        ({"type": "integer"}, "a whole number"),
        ({}, "a value of a kind that it does not tell"),
    ],
)
def test_the_kind_of_output_is_said_in_words(output: dict[str, Any], words: str) -> None:
    assert kind_of_output({"Output": output, "Thing": {"type": "object"}}) == words


def test_models_are_found_by_words(server: LocalServer) -> None:
    shown = invoke("models", "search", "image", "model", "--limit", 2)
    assert len(shown.stdout.splitlines()) == 3
    lines = invoke("models", "search", "image", "--json").stdout.splitlines()
    assert all("owner" in json.loads(line) for line in lines)
    nothing = invoke("models", "search", "xyzzy")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "No model was found.\n")


def test_predictions_are_listed_newest_first(server: LocalServer) -> None:
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


def test_a_prediction_is_shown_with_all_that_a_person_asks_for(server: LocalServer) -> None:
    client = Replicate()
    done = client.predictions.create("replicate/hello-world", {"text": "Alice"}).wait()
    facts = dict(line.split(None, 1) for line in invoke("predictions", "show", done.id).stdout.splitlines())
    assert facts["id"] == done.id
    assert facts["input"] == "text: Alice"
    assert facts["output"] == "hello Alice"
    assert facts["page"].startswith("http")
    assert set(facts) == {"id", "model", "status", "created", "started", "completed", "seconds", "page", "input", "output"}
    with pytest.raises(Exception, match="fails on purpose"):
        client.run("local/always-fails")
    failed = invoke("predictions", "show", next(client.predictions.list()).id).stdout
    assert "\nerror " in failed
    assert "about to fail" in failed
    assert json.loads(invoke("predictions", "show", done.id, "--json").stdout)["output"] == "hello Alice"


def test_of_a_bar_in_the_logs_the_last_state_is_shown(server: LocalServer) -> None:
    from replicate_sync.server import log

    @server.model("me/bar")
    def bar() -> str:
        log("begun\n10%|#\r50%|##\r100%|###")
        return "x"

    Replicate().run("me/bar")
    shown = invoke("predictions", "show", next(Replicate().predictions.list()).id).stdout
    assert "100%|###" in shown
    assert "50%" not in shown


def test_waiting_gives_what_running_gives(server: LocalServer, tmp_path: Path) -> None:
    @server.model("me/file")
    def file() -> BytesIO:
        return BytesIO(b"content")

    @server.model("me/text")
    def text() -> Iterator[str]:
        yield "slowly "
        time.sleep(0.3)
        yield "said"

    client = Replicate()
    said = client.predictions.create("me/text")
    assert invoke("predictions", "wait", said.id).stdout == "slowly said"
    made = client.predictions.create("me/file")
    assert invoke("predictions", "wait", made.id, "-o", tmp_path / "f").stdout == f"{tmp_path / 'f'}\n"
    assert (tmp_path / "f").read_bytes() == b"content"
    assert json.loads(invoke("predictions", "wait", made.id, "--json").stdout)["id"] == made.id


def test_waiting_ends_with_the_timeout_and_leaves_it_running(server: LocalServer) -> None:
    slow = Replicate().predictions.create("local/slow")
    assert invoke("predictions", "wait", slow.id, "--timeout", 0.2).exit_code == 4
    assert slow.reload().status == "processing"
    shown = invoke("predictions", "cancel", slow.id)
    assert shown.stdout == "canceled\n"
    assert slow.reload().status == "canceled"
    assert invoke("predictions", "wait", slow.id).exit_code == 1


def test_a_prediction_that_is_not_there_is_one_sentence(server: LocalServer) -> None:
    for verb in ("show", "wait", "cancel"):
        shown = invoke("predictions", verb, "nothing")
        assert shown.exit_code == 1
        assert len(shown.stderr.splitlines()) == 1


def test_a_table_gives_way_where_it_is_widest_and_never_below_a_word() -> None:
    assert fitted([10, 40, 60], [10, 10, 10], 80) == [10, 35, 35]
    assert fitted([26, 30, 19], [26, 30, 10], 40) == [26, 30, 10]
    assert fitted([1, 2], [1, 1], 10) == [1, 2]


def test_a_table_that_is_piped_keeps_each_row_on_its_line() -> None:
    assert table(("a", "b"), [("x" * 50, "two\nlines " * 30)]).count("\n") == 1
