"""Files of results are on disk as soon as a prediction has ended, and stay there."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers
from wire import MakeClient, Request, StartWire, response

from replicate_sync import (
    ConnectionFailed,
    FileOutput,
    InvalidInputError,
    MapError,
    PredictionError,
)
from replicate_sync.batch.journal import Entry, Journal
from replicate_sync.batch.result_shape import paths_in
from replicate_sync.events import PredictionEvent


class FilesApi(TenfoldApi):
    """Predictions that make two files each, which are there as long as `keeps` says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.keeps = True
        self.origin = ""
        self.downloads: list[str] = []

    def __call__(self, request: Request) -> Any:
        self.origin = f"http://{request.headers['host']}"
        if request.path == "/v1/models/a/b":
            return [response({"detail": "There is no schema."}, 404)]
        if request.path.startswith("/f/"):
            self.downloads.append(request.path)
            if not self.keeps:
                return [response({"detail": "gone"}, 404)]
            return [response(content_of(request.path))]
        return super().__call__(request)

    def polled(self, prediction: dict[str, Any]) -> dict[str, Any]:
        polled = super().polled(prediction)
        if polled["status"] == "succeeded":
            n = prediction["input"]["n"]
            urls = [f"{self.origin}/f/{n}/out-{number}.png" for number in range(2)]
            return {**polled, "output": urls}
        return polled


def content_of(path: str) -> bytes:
    return f"content of {path}".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that does not exist yet."""
    return tmp_path / "new" / "pictures"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "journal.db"


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def all_files(count: int) -> dict[str, bytes]:
    return {
        f"{n}-out-{number}.png": content_of(f"/f/{n}/out-{number}.png")
        for n in range(count)
        for number in range(2)
    }


def test_files_are_saved_under_names_that_tell_their_input(
    wire: StartWire, client_of: MakeClient, folder: Path
) -> None:
    api = FilesApi()
    results = list(client_of(wire(api)).map("a/b", numbers(3), save=folder))
    assert files_in(folder) == all_files(3)
    api.keeps = False
    for n, files in enumerate(results):
        for number, file in enumerate(files):
            assert isinstance(file, FileOutput)
            assert file.path == folder / f"{n}-out-{number}.png"
            assert file.read() == content_of(f"/f/{n}/out-{number}.png")
    assert len(api.downloads) == 6


@pytest.mark.slow
@pytest.mark.parametrize("has_journal", [False, True])
def test_each_file_that_is_saved_is_an_event(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path, has_journal: bool
) -> None:
    saved: list[str] = []

    def note(event: PredictionEvent) -> None:
        if event.kind == "saved":
            saved.append(event.path)

    client = client_of(wire(FilesApi()), on_event=note)
    for _ in range(1 + has_journal):
        options = {"journal": journal} if has_journal else {}
        list(client.map("a/b", numbers(2), save=folder, **options))
    assert sorted(saved) == sorted(str(folder / name) for name in all_files(2))


def test_nothing_is_overwritten(wire: StartWire, client_of: MakeClient, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "0-out-0.png").write_text("mine")
    [[first, second]] = client_of(wire(FilesApi())).map("a/b", numbers(1), save=folder)
    assert (folder / "0-out-0.png").read_text() == "mine"
    assert (first.path, second.path) == (folder / "0-out-0-1.png", folder / "0-out-1.png")


def test_a_restart_reads_the_disk_and_asks_nobody(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    api = FilesApi()
    server = wire(api)
    for _ in range(2):
        results = client_of(server).map("a/b", numbers(3), journal=journal, save=folder)
        paths = [file.path for files in results for file in files]
        assert [path.name for path in paths] == list(all_files(3))
        server = wire(lambda request: [response({"detail": "down"}, 500)])
    assert server.requests == []
    assert files_in(folder) == all_files(3)


@pytest.mark.slow
def test_what_ended_while_nobody_waited_is_saved_before_anything_is_created(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    api = FilesApi(ends_at_once=False, never_ends=range(4))
    server = wire(api)
    first = client_of(server).map("a/b", numbers(4), journal=journal, save=folder, concurrency=5)
    polls = [f"/v1/predictions/p{n}" for n in range(4)]
    leave_when(server, first, lambda: all(server.seen("GET", path) for path in polls))
    api.never_ends = range(0)
    server = wire(api)
    results = client_of(server).map("a/b", numbers(8), journal=journal, save=folder)
    assert len(list(results)) == 8
    assert files_in(folder) == all_files(8)
    order = [request.method == "POST" for request in server.requests]
    downloads = [request.path.startswith("/f/") for request in server.requests]
    assert sum(downloads[: order.index(True)]) == 2 * 4
    assert api.created_inputs == list(range(8))


def leave_when(server: Any, results: Any, condition: Any) -> None:
    """Let a map that yields nothing be left when a condition holds."""

    def run() -> None:
        with suppress(MapError):
            next(results)

    thread = threading.Thread(target=run)
    thread.start()
    assert server.until(condition)
    server.close()
    thread.join()


@pytest.mark.slow
def test_a_journal_without_files_gets_them_at_a_later_start(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    server = wire(FilesApi())
    assert len(list(client_of(server).map("a/b", numbers(3), journal=journal))) == 3
    list(client_of(server).map("a/b", numbers(3), journal=journal, save=folder))
    assert files_in(folder) == all_files(3)


@pytest.mark.slow
def test_a_file_that_was_removed_from_disk_is_downloaded_again(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    server = wire(FilesApi())
    list(client_of(server).map("a/b", numbers(2), journal=journal, save=folder))
    (folder / "1-out-0.png").unlink()
    list(client_of(server).map("a/b", numbers(2), journal=journal, save=folder))
    assert files_in(folder) == all_files(2)


@pytest.mark.slow
def test_a_folder_may_be_moved(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    api = FilesApi()
    server = wire(api)
    list(client_of(server).map("a/b", numbers(2), journal=journal, save=folder))
    moved = folder.rename(folder.with_name("moved"))
    api.keeps = False
    [[file, _], _] = client_of(server).map("a/b", numbers(2), journal=journal, save=moved)
    assert file.path == moved / "0-out-0.png"


@pytest.mark.slow
def test_files_that_are_gone_are_an_error_that_says_so_and_can_be_made_again(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    api = FilesApi()
    client = client_of(wire(api))
    list(client.map("a/b", numbers(2), journal=journal))
    api.keeps = False
    for _ in range(2):
        errors = list(
            client.map("a/b", numbers(2), journal=journal, save=folder, on_error="return")
        )
        assert all(isinstance(error, PredictionError) for error in errors)
        assert "its output was removed" in str(errors[0])
        assert "retry='expired'" in errors[0].hint
    api.keeps = True
    again = client.map("a/b", numbers(2), journal=journal, save=folder, retry="expired")
    assert len(list(again)) == 2
    assert files_in(folder) == all_files(2)
    assert api.created_inputs == [0, 0, 1, 1]


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_has_expired_is_known_by_the_clock_of_the_api(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path, is_kept: bool
) -> None:
    now = time.time() - 7200

    class SlowClock(FilesApi):
        def __call__(self, request: Request) -> Any:
            if request.path == "/v1/account":
                return [response({"type": "user"}, Date=formatdate(now, usegmt=True))]
            return super().__call__(request)

        def polled(self, prediction: dict[str, Any]) -> dict[str, Any]:
            ended_at = time.gmtime(now - (10 if is_kept else 3700))
            return {
                **super().polled(prediction),
                "completed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", ended_at),
            }

    api = SlowClock()
    server = wire(api)
    list(client_of(server).map("a/b", numbers(2), journal=journal))
    again = client_of(server).map("a/b", numbers(2), journal=journal, save=folder, retry="expired")
    assert len(list(again)) == 2
    assert files_in(folder) == all_files(2)
    assert len(api.created) == (2 if is_kept else 4)


def test_a_folder_that_cannot_be_written_is_the_error_of_an_input_and_loses_nothing(
    wire: StartWire, client_of: MakeClient, tmp_path: Path, folder: Path, journal: Path
) -> None:
    (tmp_path / "file").touch()
    api = FilesApi()
    client = client_of(wire(api))
    in_the_way = tmp_path / "file" / "folder"
    with pytest.raises(MapError, match=r"The file out-0\.png could not be saved") as raised:
        list(client.map("a/b", numbers(1), journal=journal, save=in_the_way))
    assert isinstance(raised.value.__cause__.__cause__, OSError)  # type: ignore[union-attr]
    assert len(list(client.map("a/b", numbers(1), journal=journal, save=folder))) == 1
    assert files_in(folder) == all_files(1)
    assert api.created_inputs == [0]


@pytest.mark.parametrize("wrong", [5, True, b""[:0].__class__, object()])
def test_what_is_no_folder_is_refused_at_once(
    wire: StartWire, client_of: MakeClient, wrong: Any
) -> None:
    with pytest.raises(InvalidInputError, match="save must be a str or a Path"):
        client_of(wire(FilesApi())).map("a/b", numbers(1), save=wrong)


def test_the_paths_are_in_the_journal(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path
) -> None:
    list(client_of(wire(FilesApi())).map("a/b", numbers(1), journal=journal, save=folder))
    opened = Journal(journal)
    [entry] = opened.entries()
    opened.close()
    assert isinstance(entry, Entry)
    assert paths_in(entry.result) == [str(folder / name) for name in all_files(1)]


@pytest.mark.slow
@pytest.mark.parametrize("is_recorded", [False, True])
def test_saving_is_under_the_deadline_of_a_run_and_can_be_made_up_for(
    wire: StartWire, client_of: MakeClient, folder: Path, journal: Path, is_recorded: bool
) -> None:
    api = FilesApi()
    pauses = [30.0]

    def respond(request: Request) -> Any:
        return [*pauses, *api(request)] if request.path.startswith("/f/") else api(request)

    client = client_of(wire(respond))
    options: dict[str, Any] = {"journal": journal} if is_recorded else {}
    start = time.monotonic()
    with pytest.raises(ConnectionFailed, match="before the deadline of the call") as raised:
        client.run("a/b", {"n": 0}, save=folder, deadline=0.5, **options)
    assert time.monotonic() - start < 5
    assert raised.value.prediction is not None
    assert raised.value.prediction.status == "succeeded"
    assert list(folder.iterdir()) == []
    pauses.clear()
    assert len(raised.value.prediction.save(folder)) == 2
