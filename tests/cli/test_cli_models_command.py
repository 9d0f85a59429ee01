"""What the shell shows of models."""

from __future__ import annotations

import json

import pytest
from cli_runner import invoke
from wire import StartWire, response

from replicate_sync import Replicate
from replicate_sync.server import LocalServer


def test_a_model_is_shown_with_a_table_of_its_inputs(server: LocalServer) -> None:
    model = "black-forest-labs/flux-schnell"
    lines = invoke("models", "show", model).stdout.splitlines()
    assert lines[0] == model
    assert f"0 runs  https://replicate.com/{model}" in lines
    cells = {line.split()[0]: line.split() for line in lines if line}
    assert cells["prompt"][1:3] == ["string", "required"]
    assert cells["go_fast"][1:] == ["boolean", "true"]  # as -i takes it
    assert cells["num_outputs"][1:] == ["integer", "1", "1", "to", "4"]
    assert cells["output_format"][1:3] == ["string", "webp"]
    assert lines[-1] == "It returns a list of files."


def test_a_version_of_a_model_is_shown(server: LocalServer) -> None:
    version = Replicate().models.get("google-deepmind/gemma-2b-it").latest_version
    assert version is not None
    name = f"google-deepmind/gemma-2b-it:{version.id}"
    assert invoke("models", "show", name).stdout.startswith(name)
    document = json.loads(invoke("models", "show", name, "--json").stdout)
    assert document["version"]["id"] == version.id
    assert invoke("models", "show", str(version.id)).exit_code == 2


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({}, "It has no version that could be run."),
        ({"latest_version": {"id": "1"}}, "Its inputs are not known."),
    ],
)
def test_what_a_model_does_not_say_is_said(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch, details: dict[str, object], sentence: str
) -> None:
    server = wire(lambda request: [response({"owner": "a", "name": "b", **details})])
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    result = invoke("models", "show", "a/b")
    assert result.exit_code == 0
    assert result.stdout.startswith("a/b\n")
    assert sentence in result.stdout


def test_models_are_found_by_words(server: LocalServer) -> None:
    result = invoke("models", "search", "image", "model", "--limit", 2)
    assert len(result.stdout.splitlines()) == 3
    lines = invoke("models", "search", "image", "--json").stdout.splitlines()
    assert all("owner" in json.loads(line) for line in lines)
    none = invoke("models", "search", "xyzzy")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No model was found.\n")
