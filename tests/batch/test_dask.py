"""Waiting may be done on other machines: with Dask, in processes that may be killed, and each input is paid for once."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import distributed
import pytest
from test_map import Api, numbers
from wire import Request, Wire

from replicate_sync import Polling

pytestmark = pytest.mark.scale

Start = Callable[[Callable[[Request], Any]], Wire]

INPUTS = 1000


class Slow(Api):
    """Predictions that end 50 ms after they are created, so that there is something to wait for."""

    def __init__(self) -> None:
        super().__init__(at_once=False)
        self.ends: dict[str, float] = {}

    def ended(self, prediction: dict[str, Any]) -> dict[str, Any]:
        running = time.monotonic() < self.ends.setdefault(prediction["id"], time.monotonic() + 0.05)
        return {**prediction, "status": "processing"} if running else super().ended(prediction)


def test_a_worker_of_dask_may_be_killed_midway_and_each_input_is_paid_for_once(
    wire: Start, client_of: Any, tmp_path: Path
) -> None:
    api = Slow()
    client = client_of(wire(api), api_key="r8_given", polling=Polling(1000, 0.01))
    journal, got = tmp_path / "j.db", []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=8, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as dask,
    ):
        results = client.map("a/b", numbers(INPUTS), executor=dask.get_executor(), concurrency=16, journal=journal)
        for result in results:
            got.append(result)
            if len(got) == INPUTS // 2:
                workers = dask.run(os.getpid)
                os.kill(next(iter(workers.values())), signal.SIGKILL)
        assert dask.run(os.getpid) != workers, "no worker was killed"
    assert got == [10 * n for n in range(INPUTS)]
    created = {p["id"]: p["input"]["n"] for p in api.created}
    assert Counter(created.values()) == Counter(range(INPUTS))
    file = sqlite3.connect(journal)
    kept = file.execute("select id, position, ended is not null from runs").fetchall()
    file.close()
    assert {prediction_id: position for prediction_id, position, _ in kept} == created
    assert all(ended for _, _, ended in kept)
