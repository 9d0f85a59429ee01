"""The models to try things with."""

from __future__ import annotations

import threading
import time
from typing import Any

from replicate_sync.server import LocalServer


def test_a_slow_model_shows_progress_and_stops(local: LocalServer, call: Any) -> None:
    prediction = call.create("local/slow", {"seconds": 1})
    call.until(prediction, lambda body: "%|" in (body["logs"] or ""))
    call.post(prediction["urls"]["cancel"])
    name = f"prediction-{prediction['id']}"
    deadline = time.monotonic() + 20
    while any(thread.name == name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert call.run("local/slow", {"seconds": 0})["output"] == "worked for 0 seconds"
