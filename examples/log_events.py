"""Log what happens to predictions: created, started, retried, ended, with what they took.

python examples/log_events.py
"""

from __future__ import annotations

import logging
import os

import replicate_sync
from replicate_sync import PredictionEvent

logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)


def log(event: PredictionEvent) -> None:
    """Write one line."""
    parts = [event.kind, event.id, event.model, event.status, event.error]
    logging.info(" ".join(str(part) for part in parts if part))
    if event.kind == "ended":
        logging.info("it took %s", dict(event.metrics))


online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
client = client.with_options(on_event=log)
print(client.run("replicate/hello-world", {"text": "Alice"}))
