"""Files of a result are saved in a folder under names that tell where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, response

from replicate_sync import InvalidInputError, ReplicateError
from replicate_sync.payloads.result_files import Saver, find_files


def files_api(request: Request) -> Any:
    """Respond with a prediction of two files and a text, and with the files."""
    origin = f"http://{request.headers['host']}"
    if request.path.startswith("/f/"):
        return [response(request.path.encode())]
    if request.path == "/v1/models/a/b":
        return [response({"detail": "There is no schema."}, 404)]
    output = {"images": [f"{origin}/f/a.png", f"{origin}/f/b.png"], "text": "hi"}
    return [response({"id": "p1", "status": "succeeded", "output": output}, 201)]


def test_a_run_saves_its_files(wire: StartWire, client_of: MakeClient, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    server = wire(files_api)
    result = client_of(server).run("a/b", save=folder)
    server.close()
    assert [file.path for file in result["images"]] == [folder / "0-a.png", folder / "1-b.png"]
    first, second = result["images"]
    assert (first.read(), second.path.read_bytes()) == (b"/f/a.png", b"/f/b.png")
    with first.open() as opened:
        assert opened.read() == b"/f/a.png"
    assert b"".join(second.iter_bytes()) == b"/f/b.png"
    assert first.save(tmp_path / "copy.png").read_bytes() == b"/f/a.png"
    assert result["text"] == "hi"


def test_a_prediction_saves_its_files(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    prediction = client_of(wire(files_api)).predictions.create("a/b")
    assert prediction.save(tmp_path) == [tmp_path / "0-a.png", tmp_path / "1-b.png"]
    assert prediction.save(tmp_path)[0] == tmp_path / "0-a-1.png"


def test_a_run_with_a_journal_saves_its_files_once(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    server = wire(files_api)
    for _ in range(2):
        client = client_of(server)
        result = client.run("a/b", {"n": 1}, save=tmp_path / "out", journal=tmp_path / "j.db")
        assert result["images"][0].path == tmp_path / "out" / "0-a.png"
        server = wire(lambda request: [response({"detail": "down"}, 500)])
    assert server.requests == []
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_saved_file_that_was_removed_is_downloaded(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    first, _ = client_of(wire(files_api)).run("a/b", save=tmp_path)["images"]
    first.path.unlink()
    assert first.read() == b"/f/a.png"


def test_a_folder_in_the_home_is_found(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first, _ = client_of(wire(files_api)).run("a/b", save="~/pictures")["images"]
    assert first.path == tmp_path / "pictures" / "0-a.png"


@pytest.mark.parametrize("wrong", [5, True, object(), "a\0", "\ud800", __file__])
def test_what_is_no_folder_is_refused_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient, wrong: Any
) -> None:
    server = wire(files_api)
    with pytest.raises(InvalidInputError, match="save "):
        client_of(server).run("a/b", save=wrong)
    assert server.requests == []


def test_a_folder_that_cannot_be_made_is_an_error_with_its_cause(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    files = find_files(client_of(wire(files_api)).run("a/b"))
    with pytest.raises(ReplicateError, match=r"a\.png could not be saved") as raised:
        Saver(tmp_path / "file" / "folder").save(files, "0")
    assert isinstance(raised.value.__cause__, OSError)
