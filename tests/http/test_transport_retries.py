"""Each attempt is in the log, and a pause that the API asks of one thread is kept by all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from wire import TOKEN, Request, Wire, answer

StartServer = Callable[[Callable[[Request], Any]], Wire]

ENDED = answer({"id": "p1", "status": "succeeded", "output": None}, 201)


def test_a_pause_that_the_api_asks_of_one_thread_is_kept_by_all_threads_of_the_client(
    wire: StartServer, client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    arrived_at: list[float] = []

    def reply(request: Request) -> list[Any]:
        arrived_at.append(time.monotonic())
        if len(arrived_at) == 1:
            return [answer({"detail": "x", "retry_after": 0.3}, 429)]
        return [ENDED]

    server = wire(reply)
    client = client_of(server)
    threads = [threading.Thread(target=client.run, args=("a/b",)) for _ in range(8)]
    threads[0].start()
    assert server.until(lambda: "retrying in" in caplog.text)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arrived_at) == 9
    assert min(arrived_at[1:]) - arrived_at[0] >= 0.28


def test_each_request_and_each_retry_has_its_line_in_the_log(
    wire: StartServer, client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "replicate_sync")

    def reply(request: Request) -> list[Any]:
        if len(server.requests) == 1:
            return [answer({"detail": "x"}, 503)]
        return [ENDED]

    server = wire(reply)
    client_of(server).predictions.get("p1")
    client_of(server).run("a/b", {"prompt": "nobody else's business"})
    records = [record for record in caplog.records if record.name == "replicate_sync"]
    assert [record.levelname for record in records] == ["DEBUG", "WARNING", "DEBUG", "DEBUG"]
    lines = [record.getMessage() for record in records]
    assert lines[0].startswith("GET /v1/predictions/p1: 503 in ")
    assert "attempt 1 failed, retrying in " in lines[1]
    assert lines[2].startswith("GET /v1/predictions/p1: 201 in ")
    assert lines[3].startswith("POST /v1/models/a/b/predictions: 201 in ")
    assert "business" not in caplog.text
    assert TOKEN not in caplog.text
