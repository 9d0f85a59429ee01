"""Dask's workers may do the waiting, and may be killed: each input is created once."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers, tenfold
from wire import MakeClient, StartWire

from replicate_sync import Polling

pytestmark = pytest.mark.scale


COUNT = 1000


class SlowApi(TenfoldApi):
    """Predictions end 50 ms after their first poll, so that there is something to wait for."""

    def __init__(self) -> None:
        super().__init__(ends_at_once=False)
        self.end_times: dict[str, float] = {}

    def polled(self, prediction: dict[str, Any]) -> dict[str, Any]:
        end = self.end_times.setdefault(prediction["id"], time.monotonic() + 0.05)
        if time.monotonic() < end:
            return {**prediction, "status": "processing"}
        return super().polled(prediction)


def test_a_worker_may_be_killed_midway_and_each_input_is_created_once(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    import dask.config  # late, as they take long and most test runs leave this out
    import distributed

    # Dask asks a dead worker for results for 30 s, and may not miss it for five minutes.
    patience = {
        "distributed.comm.timeouts.connect": "2s",
        "distributed.scheduler.worker-ttl": "10s",
    }
    api = SlowApi()
    client = client_of(wire(api), api_key="r8_given", polling=Polling(1000, 0.01))
    journal = tmp_path / "j.db"
    results: list[int] = []
    with (
        dask.config.set(patience),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=8, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as cluster_client,
    ):
        executor = cluster_client.get_executor()
        for result in client.map(
            "a/b", numbers(COUNT), executor=executor, concurrency=16, journal=journal
        ):
            results.append(result)
            if len(results) == COUNT // 2:
                workers = cluster_client.run(os.getpid)
                os.kill(next(iter(workers.values())), signal.SIGKILL)
        assert cluster_client.run(os.getpid) != workers, "no worker was killed"
    assert results == tenfold(COUNT)
    assert Counter(api.created_inputs) == Counter(range(COUNT))
    file = sqlite3.connect(journal)
    rows = file.execute("select id, position, ended is not null from runs").fetchall()
    file.close()
    created = {prediction["id"]: prediction["input"]["n"] for prediction in api.created}
    assert {prediction_id: position for prediction_id, position, _ in rows} == created
    assert all(has_ended for _, _, has_ended in rows)
