"""The models to try things with."""

from __future__ import annotations

import threading
from typing import Any

from replicate_sync.server import LocalServer


def test_a_slow_model_shows_progress_and_stops(local: LocalServer, call: Any) -> None:
    prediction = call.create("local/slow", {"seconds": 1})
    call.until(prediction, lambda body: "%|" in (body["logs"] or ""))
    call.post(prediction["urls"]["cancel"])
    name = f"prediction-{prediction['id']}"
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(5)
        assert not thread.is_alive()
    assert call.run("local/slow", {"seconds": 0})["output"] == "worked for 0 seconds"
