"""What was being created when a program was killed is found again, and never created twice.

A killed program leaves what is on disk: a copy of its journal, taken while it waits for a response,
is what the next start finds.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers, tenfold
from wire import MakeClient, Request, StartWire, Wire, response

from replicate_sync import PredictionError, ReplicateError
from replicate_sync.batch.journal import Journal
from replicate_sync.payloads.upload import MAX_INLINE_SIZE

HELD = 30.0  # seconds for which a response is held back


def api_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ClockedApi(TenfoldApi):
    """Lists by its own clock, 100 to a page, and uploads under a new address each time.

    Args:
        ahead: By how many seconds its clock is ahead of this machine's.
        held: The inputs the responses to whose creates are held back.
        processing: The seconds that pass until a held create is listed.
    """

    def __init__(self, ahead: float = 0.0, *, held: Any = (), processing: float = 0.0) -> None:
        super().__init__()
        self.ahead = ahead
        self.held = set(held)
        self.processing = processing
        self.uploads = 0

    @property
    def now(self) -> float:
        return time.time() + self.ahead

    def __call__(self, request: Request) -> Any:
        if request.path == "/v1/account":
            return [response({"type": "user"}, Date=formatdate(self.now, usegmt=True))]
        if request.path == "/v1/files":
            self.uploads += 1
            urls = {"get": f"https://files.example/{self.uploads}"}
            return [response({"id": "f", "urls": urls}, 201)]
        if request.path == "/v1/predictions" and request.method == "GET":
            return [response(self.page(request), Date=formatdate(self.now, usegmt=True))]
        is_create = request.method == "POST" and not request.path.endswith("/cancel")
        if is_create and request.json["input"]["n"] in self.held:
            return self.hold(request)
        return super().__call__(request)

    def hold(self, request: Request) -> Iterator[Any]:
        yield self.processing
        self.register(request)
        yield HELD

    def register(self, request: Request) -> dict[str, Any]:
        prediction = super().register(request)
        prediction["created_at"] = api_time(self.now)
        return prediction

    def page(self, request: Request) -> dict[str, Any]:
        after = request.query.get("created_after", "")
        before = request.query.get("created_before", "x")
        start = int(request.query.get("cursor", 0))
        listed = [
            self.polled(one)
            for one in self.created[::-1]
            if after <= one["created_at"].replace("Z", "999Z") and one["created_at"] < before
        ]
        query = "&".join(f"{k}={v}" for k, v in request.query.items() if k != "cursor")
        following = None
        if start + 100 < len(listed):
            following = f"?{query}&cursor={start + 100}"
        return {"next": following, "results": listed[start : start + 100]}

    def add_others(self, count: int) -> None:
        """Let other programs create predictions."""
        with self.lock:
            for n in range(count):
                number = len(self.created)
                self.created.append(
                    {
                        "id": f"p{number}",
                        "status": "succeeded",
                        "model": "a/b",
                        "input": {"n": 1000 + n},
                        "created_at": api_time(self.now),
                    }
                )

    def remove_data(self) -> None:
        """Remove inputs and outputs, as the API does after an hour."""
        for one in self.created:
            one.update(data_removed=True, status="succeeded")
            one["input"] = {"n": one["input"]["n"]}

    def polled(self, prediction: dict[str, Any]) -> dict[str, Any]:
        polled = super().polled(prediction)
        if prediction.get("data_removed"):
            return {**polled, "input": {}, "output": None}
        return polled


@pytest.fixture
def killed(wire: StartWire, client_of: MakeClient, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that kills a map while creates are held; it returns the journal."""

    def kill(api: ClockedApi, inputs: list[dict[str, Any]]) -> Path:
        path = tmp_path / "killed.db"
        first = wire(api)
        expected = len(api.created) + len(inputs)
        done: list[Any] = []

        def run() -> None:
            with suppress(ReplicateError):
                for result in client_of(first).map("a/b", inputs, journal=path, concurrency=6):
                    done.append(result)

        threading.Thread(target=run, daemon=True).start()
        assert first.until(lambda: len(requests_of_creates(first)) == len(inputs))
        if not api.processing:
            assert first.until(lambda: len(api.created) == expected)
        first_held = min(position for position, one in enumerate(inputs) if one["n"] in api.held)
        assert first.until(lambda: len(done) == first_held)
        copy = tmp_path / "journal.db"
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
        first.close()
        api.held.clear()
        return copy

    return kill


def requests_of_creates(server: Wire) -> list[Request]:
    return server.seen("POST", "/v1/models/a/b/predictions")


Kill = Callable[[ClockedApi, list[dict[str, Any]]], Path]


@pytest.mark.parametrize("ahead", [-180.0, 0.0, 180.0, -7200.0])
def test_a_wrong_clock_of_this_machine_hides_nothing(
    wire: StartWire, client_of: MakeClient, killed: Kill, ahead: float
) -> None:
    api = ClockedApi(ahead, held=[0, 2])
    journal = killed(api, list(numbers(3)))
    assert list(client_of(wire(api)).map("a/b", numbers(5), journal=journal)) == tenfold(5)
    assert api.created_inputs == list(range(5))


@pytest.mark.slow
def test_thousands_of_newer_predictions_hide_nothing(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0])
    journal = killed(api, list(numbers(1)))
    api.add_others(1500)
    assert list(client_of(wire(api)).map("a/b", numbers(1), journal=journal)) == [0]
    assert api.created_inputs.count(0) == 1


@pytest.mark.slow
def test_what_was_created_much_later_is_not_even_listed(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0])
    journal = killed(api, list(numbers(1)))
    api.ahead += 86400.0
    api.add_others(1500)
    server = wire(api)
    assert list(client_of(server).map("a/b", numbers(1), journal=journal)) == [0]
    assert api.created_inputs.count(0) == 1
    assert len(server.seen("GET", "/v1/predictions")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("on_lost", ["raise", "again"])
def test_where_the_api_has_removed_the_input_the_caller_chooses(
    wire: StartWire, client_of: MakeClient, killed: Kill, on_lost: Any
) -> None:
    api = ClockedApi(held=[2])
    journal = killed(api, list(numbers(3)))
    lost = next(one["id"] for one in api.created if one["input"]["n"] == 2)
    api.remove_data()
    results = client_of(wire(api)).map(
        "a/b", numbers(4), journal=journal, on_error="return", on_lost=on_lost
    )
    found = list(results)
    error = found.pop(2)
    assert found == [0, 10, 30]
    if on_lost == "again":
        assert error == 20
        assert api.created_inputs == [0, 1, 2, 2, 3]
    else:
        assert isinstance(error, PredictionError)
        assert f"it may be {lost}" in str(error)
        assert "on_lost='again'" in error.hint
        assert api.created_inputs == [0, 1, 2, 3]


@pytest.mark.slow
def test_what_never_arrived_is_created(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0, 1])
    journal = killed(api, list(numbers(2)))
    api.created.clear()
    assert list(client_of(wire(api)).map("a/b", numbers(2), journal=journal)) == tenfold(2)
    assert api.created_inputs == [0, 1]


@pytest.mark.slow
def test_what_the_api_still_processes_at_the_next_start_is_waited_for(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0], processing=0.5)
    journal = killed(api, list(numbers(1)))
    appears = threading.Timer(0.4, lambda: api.created.append(found))
    found = {"id": "p0", "model": "a/b", "input": {"n": 0}, "created_at": api_time(api.now + 0.4)}
    appears.start()
    assert list(client_of(wire(api)).map("a/b", numbers(1), journal=journal)) == [0]
    assert len(api.created) == 1


def test_an_uploaded_file_is_recognized_although_its_address_is_another_at_each_start(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0])
    inputs = [{"n": 0, "image": bytes(MAX_INLINE_SIZE + 1)}]
    journal = killed(api, inputs)
    assert list(client_of(wire(api)).map("a/b", inputs, journal=journal)) == [0]
    assert (len(api.created), api.uploads) == (1, 1)


def test_equal_inputs_that_were_lost_together_are_all_found(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[4])
    inputs = [{"n": 4}] * 4
    journal = killed(api, inputs)
    server = wire(api)
    assert list(client_of(server).map("a/b", inputs, journal=journal)) == [40] * 4
    assert len(api.created) == 4
    assert len(server.seen("GET", "/v1/predictions/p0")) <= 1


@pytest.mark.slow
def test_where_nothing_can_be_listed_nothing_is_created(
    wire: StartWire, client_of: MakeClient, killed: Kill
) -> None:
    api = ClockedApi(held=[0])
    journal = killed(api, list(numbers(1)))

    def reply(request: Request) -> Any:
        if request.path == "/v1/predictions" and request.method == "GET":
            return [response({"detail": "down"}, 500)]
        return api(request)

    [error] = client_of(wire(reply)).map("a/b", numbers(1), journal=journal, on_error="return")
    assert "could not be listed" in str(error)
    assert list(client_of(wire(api)).map("a/b", numbers(1), journal=journal)) == [0]
    assert len(api.created) == 1


@pytest.mark.slow
def test_a_request_that_an_earlier_version_has_recorded_is_found(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    api = ClockedApi(180.0)
    path = tmp_path / "old.db"
    old = Journal(path)
    old.record_request(0, Journal.key("a/b", b'{"n":0}'), time.time() - 1, {})
    old.close()
    database = sqlite3.connect(path)
    database.execute("update runs set evidence = null")
    database.commit()
    database.close()
    api.created.append(
        {"id": "p0", "model": "a/b", "input": {"n": 0}, "created_at": api_time(api.now)}
    )
    assert list(client_of(wire(api)).map("a/b", numbers(1), journal=path)) == [0]
    assert len(api.created) == 1
