"""A scripted model does what the test says."""

from __future__ import annotations

import json
import pathlib
import threading
import time
from typing import Any

import pytest
import requests
from PIL import Image

from replicate_sync import FileOutput, PredictionFailed, Replicate
from replicate_sync.server import LocalServer


@pytest.fixture
def client(local: LocalServer) -> Replicate:
    return Replicate(local.token, base_url=local.url)


@pytest.mark.parametrize(
    "output", ["text", 3, 2.5, True, ["a", "b"], [1, "a"], [], {"a": [1, None]}, None]
)
def test_the_output_is_returned_as_it_is(
    local: LocalServer, client: Replicate, output: Any
) -> None:
    local.script("me/canned", output=output)
    assert client.run("me/canned", {"whatever": {"it": "is"}}) == output


def test_files_are_served_as_files(
    local: LocalServer, client: Replicate, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "note.txt").write_bytes(b"a note")
    local.script("me/file", output=b"\x89PNG bytes")
    assert client.run("me/file").read() == b"\x89PNG bytes"
    local.script("me/files", output=[tmp_path / "note.txt", Image.new("RGB", (2, 2))])
    note, picture = client.run("me/files")
    assert (note.read(), picture.read()[:4]) == (b"a note", b"\x89PNG")
    local.script("me/record", output={"weights": b"w", "loss": 0.5})
    assert isinstance(client.run("me/record")["loss"], float)
    assert type(client.run("me/file")) is FileOutput


def test_tokens_are_streamed(local: LocalServer, client: Replicate) -> None:
    local.script("me/llm", tokens=["Hel", "lo", "\n", "\N{SNOWMAN}"], delay=0.01)
    begun = time.monotonic()
    assert list(client.stream("me/llm", {"prompt": "hi"})) == ["Hel", "lo", "\n", "\N{SNOWMAN}"]
    assert time.monotonic() - begun >= 0.04
    assert client.run("me/llm") == "Hello\n\N{SNOWMAN}"


def test_a_failure_comes_after_the_tokens(local: LocalServer, call: Any, client: Replicate) -> None:
    local.script("me/fails", fail="CUDA out of memory", logs="loading\n")
    with pytest.raises(PredictionFailed, match="CUDA out of memory") as raised:
        client.run("me/fails")
    assert "loading\n" in (raised.value.prediction.logs or "")
    local.script("me/fails", tokens=["a"], fail="(E003)")
    body = call.run("me/fails")
    assert (body["status"], body["output"], body["error"]) == ("failed", ["a"], "(E003)")


def test_logs_and_metrics_are_set(local: LocalServer, call: Any) -> None:
    local.script("me/measured", output="x", logs="50%|#####     | 1/2", metrics={"image_count": 2})
    body = call.run("me/measured")
    assert body["logs"] == "50%|#####     | 1/2"
    assert body["metrics"]["image_count"] == 2


def test_a_delay_ends_where_the_prediction_is_canceled(local: LocalServer, call: Any) -> None:
    local.script("me/slow", output="x", delay=60)
    prediction = call.create("me/slow", {})
    call.until(prediction, lambda body: body["status"] == "processing")
    call.post(f"/v1/predictions/{prediction['id']}/cancel")
    deadline = time.monotonic() + 5
    while any(thread.name == f"prediction-{prediction['id']}" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_known_model_keeps_its_inputs_and_its_version(
    local: LocalServer, call: Any, client: Replicate
) -> None:
    name = "meta/meta-llama-3-70b-instruct"
    before = call.get(f"/v1/models/{name}").json()["latest_version"]
    local.script(name, tokens=["scripted"])
    assert "".join(client.chat("hello", name, max_tokens=3)) == "scripted"
    assert (
        client.run(f"{name}:{before['id']}", {"prompt": "hi", "new_one": 1, "temperature": 99})
        == "scripted"
    )


def test_the_last_script_counts_on_this_server_only(local: LocalServer, client: Replicate) -> None:
    local.script("replicate/hello-world", output="first")
    local.script("replicate/hello-world", output="second")
    assert client.run("replicate/hello-world") == "second"
    with LocalServer() as other, Replicate(other.token, base_url=other.url) as its:
        assert its.run("replicate/hello-world", {"text": "you"}) == "hello you"


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("no-owner", {"output": 1}),
        ("a/b", {"output": 1, "tokens": ["a"]}),
        ("a/b", {"tokens": "abc"}),
    ],
)
def test_an_impossible_script_is_refused(
    local: LocalServer, name: str, script: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"owner/name|not both|not one string"):
        local.script(name, **script)
    assert (
        requests.get(
            f"{local.url}/models/a/b", headers={"Authorization": "Bearer r8_local"}, timeout=5
        ).status_code
        == 404
    )


def test_the_schema_follows_from_the_output(local: LocalServer, call: Any) -> None:
    kinds = {}
    for title, output in {
        "text": "x",
        "file": b"x",
        "files": [b"x", b"y"],
        "mixed": ["x", 1],
    }.items():
        local.script(f"me/{title}", output=output)
        schema = call.get(f"/v1/models/me/{title}").json()["latest_version"]["openapi_schema"]
        kinds[title] = schema["components"]["schemas"]["Output"]
    uri = {"type": "string", "format": "uri"}
    assert kinds["text"] == {"type": "string", "title": "Output"}
    assert kinds["file"] == {**uri, "title": "Output"}
    assert kinds["files"] == {"type": "array", "items": uri, "title": "Output"}
    assert json.dumps(kinds["mixed"]["items"]) == "{}"
