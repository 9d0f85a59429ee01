"""A journal knows at each restart what was created, so that nothing is created twice."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers, tenfold
from wire import CUT, MakeClient, Request, StartWire, Wire, response

from replicate_sync import (
    InvalidInputError,
    JournalError,
    MapError,
    Polling,
    PredictionError,
    ResponseError,
    Retries,
)
from replicate_sync.batch.journal import Entry, Journal
from replicate_sync.payloads.upload import MAX_INLINE_SIZE

KEY = Journal.key("a/b", b'{"n":0}')
EVIDENCE = {"digest": "abc", "after": 5.0}

# -- The file --------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a journal that does not exist yet."""
    return tmp_path / "journal.db"


def test_each_state_of_an_input_is_on_disk_for_the_next_process(path: Path) -> None:
    journal = Journal(path)
    assert journal.entry(0, KEY) is None
    journal.record_request(0, KEY, 5.0, EVIDENCE)
    assert journal.entry(0, KEY) == Entry(0, KEY, 5.0, evidence=EVIDENCE)
    journal.record_created(0, "p1")
    assert journal.entry(0, KEY) == Entry(0, KEY, 5.0, "p1")
    journal.record_ended(0, {"id": "p1", "output": 1, "input": {"n": 0}, "logs": "x"})
    ended = Entry(0, KEY, 5.0, "p1", {"id": "p1", "output": 1})
    assert journal.entry(0, KEY) == ended
    journal.close()
    restarted = Journal(path)
    assert restarted.entry(0, KEY) == ended
    restarted.close()


def test_what_was_not_created_is_requested_again(path: Path) -> None:
    journal = Journal(path)
    journal.record_request(0, KEY, 5.0, EVIDENCE)
    journal.record_not_created(0)
    assert journal.entry(0, KEY) is None
    journal.record_request(0, KEY, 6.0, EVIDENCE)
    journal.record_request(0, KEY, 7.0, EVIDENCE)
    assert journal.entry(0, KEY) == Entry(0, KEY, 7.0, evidence=EVIDENCE)
    journal.close()


def test_the_ids_are_those_of_what_was_created_last(path: Path) -> None:
    journal = Journal(path)
    for position in (0, 1, 2, -1, -2):
        journal.record_request(position, KEY, 5.0, EVIDENCE)
    for position in (0, 1, -2):
        journal.record_created(position, f"p{position}")
    assert journal.ids() == ["p0", "p1", "p-2"]
    journal.close()


def test_the_key_depends_on_the_model_and_on_the_input() -> None:
    keys = {Journal.key(model, given) for model in ("a/b", "a/c") for given in (b"{}", b'{"n":1}')}
    assert len(keys) == 4
    assert Journal.key("a/b", b'{"n":0}') == KEY


def test_another_input_at_a_known_position_is_refused(path: Path) -> None:
    journal = Journal(path)
    journal.record_request(3, KEY, 5.0, EVIDENCE)
    with pytest.raises(InvalidInputError, match=r"other inputs \(input 3 differs\)") as raised:
        journal.entry(3, Journal.key("a/b", b"{}"))
    assert raised.value.hint == "Go on with the same ones, or choose another file."
    journal.close()


def test_what_is_written_to_a_closed_journal_is_left_out(path: Path) -> None:
    journal = Journal(path)
    journal.record_request(0, KEY, 5.0, EVIDENCE)
    journal.close()
    journal.record_created(0, "p1")
    restarted = Journal(path)
    assert restarted.entry(0, KEY) == Entry(0, KEY, 5.0, evidence=EVIDENCE)
    restarted.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "emscripten", reason="no file locks here")
def test_a_journal_that_is_in_use_is_refused_at_once(path: Path) -> None:
    journal = Journal(path)
    started = time.monotonic()
    with pytest.raises(InvalidInputError, match="is in use by another process") as raised:
        Journal(path)
    assert time.monotonic() - started < 0.5
    assert "choose another file" in raised.value.hint
    journal.close()
    Journal(path).close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", b"x"),
        ("asked", "yesterday"),
        ("id", b"p1"),
        ("ended", '{"id": "p1", "outp'),
        ("ended", "[1]"),
        ("ended", b"{}"),
        ("evidence", "{"),
        ("result", "x"),
    ],
)
def test_a_damaged_row_is_named_and_the_others_can_be_read(
    path: Path, column: str, value: object
) -> None:
    journal = Journal(path)
    for position in range(3):
        journal.record_request(position, KEY, 5.0, EVIDENCE)
    journal.close()
    database = sqlite3.connect(path)
    database.execute(f"update runs set {column} = ? where position = 1", (value,))
    database.commit()
    database.close()
    journal = Journal(path)
    with pytest.raises(JournalError, match=r"Row 1 of the journal .* is damaged"):
        journal.entry(1, KEY)
    first, damaged, last = journal.entries()
    assert isinstance(damaged, JournalError)
    assert (first, last) == (journal.entry(0, KEY), journal.entry(2, KEY))
    journal.close()


@pytest.mark.slow
def test_all_rows_are_read_however_many_there_are(path: Path) -> None:
    journal = Journal(path)
    for position in range(-3, 1200):
        journal.record_request(position, KEY, 5.0, EVIDENCE)
    positions = [entry.position for entry in journal.entries() if isinstance(entry, Entry)]
    assert positions == list(range(-3, 1200))
    journal.close()


def test_a_request_that_cannot_be_recorded_is_an_error(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.record_request(0, KEY, 5.0, EVIDENCE)


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    path.write_text("this is no database " * 100)
    with pytest.raises(InvalidInputError, match="cannot be used") as raised:
        Journal(path)
    assert isinstance(raised.value.__cause__, sqlite3.Error)
    assert path.read_text().startswith("this is no database")


def test_a_journal_of_the_first_version_can_be_read(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute(
        "create table runs (position integer primary key, key text not null, "
        "asked real not null, id text, ended text)"
    )
    database.execute("insert into runs values (0, ?, 5.0, 'p1', null)", (KEY,))
    database.commit()
    database.close()
    journal = Journal(path)
    assert journal.entry(0, KEY) == Entry(0, KEY, 5.0, "p1")
    journal.close()


# -- A map with a journal --------------------------------------------------------------------------


def test_a_second_start_creates_nothing_and_requests_nothing(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(fails=2)
    server = wire(api)
    for _ in range(2):
        results = list(client_of(server).map("a/b", numbers(6), journal=path, on_error="return"))
        assert "boom" in str(results.pop(2))
        assert results == [0, 10, 30, 40, 50]
    assert len(api.created) == 6
    assert len(server.requests) == 6 + 1  # the first start has asked for the API's time


@pytest.mark.slow
def test_equal_inputs_are_predictions_of_their_own_also_in_a_journal(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi()
    for _ in range(2):
        results = client_of(wire(api)).map("a/b", [{"n": 4}] * 6, journal=path)
        assert list(results) == [40] * 6
    assert len(api.created) == 6


@pytest.mark.slow
def test_what_runs_on_when_a_map_is_left_is_fetched_by_the_next_start(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    first = client_of(server).map("a/b", numbers(20), journal=path, concurrency=4)
    assert [next(first), next(first)] == [0, 10]
    first.close()
    second = client_of(server).map("a/b", numbers(20), journal=path, concurrency=4)
    assert list(second) == tenfold(20)
    assert api.created_inputs == list(range(20))
    assert api.canceled == []


@pytest.mark.slow
@pytest.mark.parametrize("is_listed", [True, False])
def test_a_create_whose_response_was_lost_is_looked_up_by_the_next_start(
    wire: StartWire, client_of: MakeClient, path: Path, is_listed: bool
) -> None:
    api = TenfoldApi(ends_at_once=False)
    lost = {1, 3}

    def reply(request: Request) -> Any:
        if request.method == "POST" and request.json["input"]["n"] in lost:
            if is_listed:
                api.register(request)
            return [CUT]
        if request.path == "/v1/predictions" and lost:
            return [response({"detail": "x"}, 500)]
        return api(request)

    server = wire(reply)
    client = client_of(server, retries=Retries(attempts=1))
    with pytest.raises(MapError):
        list(client.map("a/b", numbers(5), journal=path, concurrency=5))
    lost.clear()
    assert list(client_of(server).map("a/b", numbers(5), journal=path)) == tenfold(5)
    assert api.created_inputs == list(range(5))


@pytest.mark.slow
def test_what_is_created_after_the_map_was_left_is_found_by_the_next_start_in_the_same_process(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(1))
    responded = threading.Event()

    def held(request: Request) -> Any:
        created = api.register(request)
        yield 2.2  # longer than a map that is left waits for responses
        yield response(created, 201)
        responded.set()

    def reply(request: Request) -> Any:
        is_held = request.method == "POST" and request.json["input"]["n"] == 1
        return held(request) if is_held and not responded.is_set() else api(request)

    server = wire(reply)
    client = client_of(server, polling=Polling(1000, 0.01))
    inputs = numbers(2)

    def interrupt() -> Any:
        yield from inputs
        assert server.until(lambda: len(api.created) == 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(client.map("a/b", interrupt(), journal=path, concurrency=3))
    assert responded.wait(5)
    api.never_ends = range(0)
    time.sleep(0.1)  # so that the response has been read
    assert list(client.map("a/b", numbers(2), journal=path)) == tenfold(2)
    assert api.created_inputs == [0, 1]


@pytest.mark.slow
def test_what_is_under_way_when_the_map_is_left_is_awaited_by_the_next_start_in_the_same_process(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi()
    arrived, responded = threading.Event(), threading.Event()

    def reply(request: Request) -> Any:
        if request.method == "POST" and not arrived.is_set():
            return slow(request)
        return api(request)

    def slow(request: Request) -> Any:
        arrived.set()
        yield 2.0  # the API has not listed it when the map is started again
        yield from api(request)
        responded.set()

    client = client_of(wire(reply))

    def interrupt() -> Any:
        yield from numbers(1)
        assert arrived.wait(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(client.map("a/b", interrupt(), journal=path))
    time.sleep(0.2)
    assert list(client.map("a/b", numbers(1), journal=path)) == [0]
    assert responded.wait(5)
    assert len(api.created) == 1


@pytest.mark.parametrize("ends_at_once", [True, False])
def test_what_could_not_be_recorded_is_found_by_the_next_start_in_the_same_process(
    wire: StartWire,
    client_of: MakeClient,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends_at_once: bool,
) -> None:
    api = TenfoldApi(ends_at_once=ends_at_once)
    client = client_of(wire(api))

    def fail(*arguments: object, **options: object) -> None:
        raise JournalError("The disk is full.")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(Journal, "record_created", fail)
        full_disk.setattr(Journal, "record_ended", fail)
        results = list(client.map("a/b", numbers(1), journal=path))
    assert results == [0]
    assert list(client.map("a/b", numbers(1), journal=path)) == [0]
    assert len(api.created) == 1


@pytest.mark.slow
def test_what_was_refused_is_created_by_the_next_start_without_a_look_up(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi()
    is_refused = [True]

    def reply(request: Request) -> Any:
        return [response({"detail": "no credit"}, 402)] if is_refused else api(request)

    server = wire(reply)
    with pytest.raises(MapError):
        list(client_of(server).map("a/b", numbers(2), journal=path))
    is_refused.clear()
    assert list(client_of(server).map("a/b", numbers(2), journal=path)) == tenfold(2)
    assert server.seen("GET", "/v1/predictions") == []


def leave_one_running(server: Wire, client: Any, path: Path) -> None:
    """Let a journal have one prediction, whose end nobody has seen."""

    def take_result() -> None:
        with contextlib.suppress(MapError):
            next(client.map("a/b", numbers(1), journal=path))

    thread = threading.Thread(target=take_result)
    thread.start()
    assert server.until(lambda: bool(server.seen("GET", "/v1/predictions/p0")))
    server.close()
    thread.join()


def test_a_known_prediction_that_is_running_is_waited_for(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(1))
    first = wire(api)
    leave_one_running(first, client_of(first, polling=Polling(1000, 0.01)), path)
    api.never_ends = range(0)
    assert list(client_of(wire(api)).map("a/b", numbers(1), journal=path)) == [0]
    assert len(api.created) == 1


@pytest.mark.parametrize(
    "expired",
    [
        response({"detail": "gone"}, 404),
        response({"id": "p0", "status": "succeeded", "output": None, "data_removed": True}),
    ],
    ids=["gone", "data removed"],
)
def test_what_expired_meanwhile_is_an_error_and_not_created_again(
    wire: StartWire, client_of: MakeClient, path: Path, expired: bytes
) -> None:
    first = wire(TenfoldApi(ends_at_once=False, never_ends=range(1)))
    leave_one_running(first, client_of(first, polling=Polling(1000, 0.01)), path)
    api = TenfoldApi()
    server = wire(lambda request: [expired] if request.method == "GET" else api(request))
    with pytest.raises(MapError, match="removed: Replicate keeps one for an hour") as raised:
        list(client_of(server).map("a/b", numbers(1), journal=path))
    assert isinstance(raised.value.__cause__, PredictionError)
    assert "take a new journal" in raised.value.__cause__.hint
    assert api.created == []


@pytest.mark.slow
def test_a_known_prediction_that_cannot_be_fetched_is_not_taken_for_one_that_is_gone(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    first = wire(TenfoldApi(ends_at_once=False, never_ends=range(1)))
    leave_one_running(first, client_of(first, polling=Polling(1000, 0.01)), path)
    server = wire(lambda request: [response({"detail": "no"}, 403)])
    with pytest.raises(MapError) as raised:
        list(client_of(server).map("a/b", numbers(1), journal=path))
    assert isinstance(raised.value.__cause__, ResponseError)


def test_what_failed_is_run_again_when_asked_for_and_nothing_else(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    api = TenfoldApi(fails=2)
    client = client_of(wire(api))
    list(client.map("a/b", numbers(4), journal=path, on_error="return"))
    api.fails = None
    again = client.map("a/b", numbers(4), journal=path, on_error="return")
    assert [isinstance(one, PredictionError) for one in again] == [False, False, True, False]
    for _ in range(2):
        assert list(client.map("a/b", numbers(4), journal=path, retry="failed")) == tenfold(4)
    assert api.created_inputs == [0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"retry": "failed"}, "retry= needs a journal="),
        ({"retry": "all", "journal": "j.db"}, "retry takes 'failed' and 'expired', not 'all'"),
        ({"on_lost": "ignore"}, "on_lost must be 'raise' or 'again'"),
        ({"retry": 5, "journal": "j.db"}, "retry takes 'failed' and 'expired', not 5"),
        ({"journal": 5}, "journal must be a str or a Path"),
        ({"journal": ""}, "journal must be the path of a file, not ''"),
        ({"journal": ":memory:"}, "journal must be the path of a file"),
        ({"journal": b"\0"}, "journal has a NUL in it"),
    ],
)
def test_a_wrong_option_is_refused_at_once(
    wire: StartWire, client_of: MakeClient, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        client_of(wire(TenfoldApi())).map("a/b", numbers(1), **wrong)


@pytest.mark.slow
def test_an_error_has_every_result_that_is_in_the_journal(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    client = client_of(wire(TenfoldApi(fails=5)))
    with pytest.raises(MapError) as raised:
        list(client.map("a/b", numbers(30), journal=path, concurrency=2))
    results = dict(raised.value.results)
    assert results == {n: 10 * n for n in results}
    assert set(range(5)) <= set(results)
    assert list(raised.value.errors) == [5]


FULL_DISK = """
import json, resource, sys
from replicate_sync import JournalError, MapError, Polling, Replicate
import replicate_sync.batch.runner, tenacity, sseclient

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # bytes of the longest file
client = Replicate("r8_x", base_url=sys.argv[1], polling=Polling(300, 0.01))
inputs = ({"n": n} for n in range(1000))
results = client.map(
    "a/b", inputs, journal=sys.argv[2], concurrency=6, on_error=sys.argv[3]
)
known = {}
try:
    known.update(enumerate(results))
except MapError as error:
    assert isinstance(error.__cause__, JournalError), error.__cause__
    known.update(error.results)
    print(json.dumps([str(error), known]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files")
@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_where_the_disk_is_full_nothing_more_is_created_and_no_result_is_lost(
    wire: StartWire, client_of: MakeClient, path: Path, on_error: str
) -> None:
    api = TenfoldApi(ends_at_once=False)
    server = wire(api)
    process = subprocess.run(
        [sys.executable, "-c", FULL_DISK, server.url, str(path), on_error],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    message, known = json.loads(process.stdout)
    assert "cannot be used any more: disk I/O error" in message
    assert "start again with the same journal" in message
    assert 0 < len(api.created) < 200
    assert api.canceled == []
    assert known == {str(n): 10 * n for n in api.created_inputs}
    # The same journal goes on where there is room again.
    results = client_of(server).map("a/b", numbers(300), journal=path)
    assert list(results) == tenfold(300)
    assert api.created_inputs == list(range(300))


def test_a_journal_of_another_model_or_of_other_inputs_is_refused(
    wire: StartWire, client_of: MakeClient, path: Path
) -> None:
    client = client_of(wire(TenfoldApi()))
    assert list(client.map("a/b", numbers(2), journal=path)) == tenfold(2)
    for model, inputs in (("a/c", numbers(2)), ("a/b", iter([{"n": 5}]))):
        with pytest.raises(MapError, match="written for another model or other inputs"):
            list(client.map(model, inputs, journal=path))


@pytest.mark.parametrize("size", [10, MAX_INLINE_SIZE + 1], ids=["inline", "uploaded"])
def test_an_input_with_a_file_is_recognized_by_the_content_of_the_file(
    wire: StartWire, client_of: MakeClient, path: Path, size: int
) -> None:
    api = TenfoldApi()
    uploads: list[Request] = []

    def reply(request: Request) -> Any:
        if request.path != "/v1/files":
            return api(request)
        uploads.append(request)
        url = f"https://files.example/{len(uploads)}"
        return [response({"id": "f", "urls": {"get": url}}, 201)]

    server = wire(reply)
    for _ in range(2):
        inputs = [{"n": n, "image": b"x" * size + bytes([n])} for n in range(3)]
        assert list(client_of(server).map("a/b", inputs, journal=path)) == tenfold(3)
    assert len(api.created) == 3
    assert len(uploads) == (3 if size > MAX_INLINE_SIZE else 0)
    with pytest.raises(MapError, match="other inputs"):
        list(client_of(server).map("a/b", [{"n": 0, "image": b"other"}], journal=path))
