"""What recent predictions made is saved from the shell, again and again, whole and once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_runner import invoke
from PIL import Image
from wire import Request, StartWire, response

from replicate_sync import Replicate
from replicate_sync.server import LocalServer

PICTURE = {"prompt": "x", "num_outputs": 2}


@pytest.fixture
def account(fresh_server: LocalServer) -> LocalServer:
    """Return a server whose account has a text, a failure, and two pictures."""
    client = Replicate()
    client.run("replicate/hello-world", {"text": "Alice"})
    client.predictions.create("local/always-fails", {})
    client.run("black-forest-labs/flux-schnell", PICTURE)
    return fresh_server


def test_the_files_of_recent_predictions_are_saved_with_their_ids(
    account: LocalServer, tmp_path: Path
) -> None:
    [made] = [p for p in Replicate().predictions.list() if "flux" in str(p.model)]
    result = invoke("keep", tmp_path / "new" / "folder")
    assert result.exit_code == 0
    paths = [Path(line) for line in result.stdout.splitlines()]
    assert len(paths) == 2
    for path in paths:
        assert path.parent == tmp_path / "new" / "folder"
        assert path.name.startswith(f"{made.id}-")
        with Image.open(path) as picture:
            assert picture.size[0] > 1
    assert sorted(os.listdir(paths[0].parent)) == sorted(path.name for path in paths)


@pytest.mark.slow
def test_what_is_there_already_is_left_as_it_is(account: LocalServer, tmp_path: Path) -> None:
    first = invoke("keep", tmp_path).stdout
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert invoke("keep", tmp_path).stdout == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.slow
def test_a_program_gets_a_line_for_each_file(account: LocalServer, tmp_path: Path) -> None:
    for line in invoke("keep", tmp_path, "--json", "--since", "1d").stdout.splitlines():
        document = json.loads(line)
        assert set(document) == {"id", "url", "path"}
        assert Path(document["path"]).exists()


def test_only_what_is_recent_enough_is_asked_for(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = wire(lambda request: [response({"results": []})])
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    for since in ("2026-01-31", "2026-01-31T12:00:00+00:00", "90s", "1h", "2w"):
        assert invoke("keep", tmp_path, "--since", since).exit_code == 0
    asked = [request.query["created_after"] for request in server.requests]
    assert asked[1] == "2026-01-31T12:00:00.000000Z"
    assert asked[4] < asked[3] < asked[2]
    for wrong in ("soon", "1", "h", "5y", "999999w", "-1h"):
        result = invoke("keep", tmp_path, f"--since={wrong}")
        assert result.exit_code == 2
        assert "is no time such as" in result.stderr


def test_a_file_that_is_gone_does_not_stop_the_others(
    wire: StartWire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def respond(request: Request) -> list[bytes]:
        if request.path.startswith("/files/gone"):
            return [response({"detail": "gone"}, 404)]
        if request.path.startswith("/files/"):
            return [response(b"content")]
        if request.path == "/v1/predictions":
            listed: list[dict[str, Any]] = [
                {"id": "p1", "status": "succeeded", "output": f"{server.origin}/files/gone.png"},
                {"id": "p2", "status": "succeeded"},
                {"id": "p3", "status": "succeeded", "output": None, "data_removed": True},
            ]
            return [response({"results": listed})]
        output = f"{server.origin}/files/a.png"
        return [response({"id": "p2", "status": "succeeded", "output": output})]

    server = wire(respond)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    result = invoke("keep", tmp_path)
    assert result.exit_code == 5
    assert result.stdout == f"{tmp_path / 'p2-a.png'}\n"
    assert "kept for one hour" in result.stderr
    assert os.listdir(tmp_path) == ["p2-a.png"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_a_sentence(account: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = invoke("keep", tmp_path / "file" / "folder")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert "file" in result.stderr
