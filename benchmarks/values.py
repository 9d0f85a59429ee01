"""A large JSON output, beside parsing it and nothing more."""

from __future__ import annotations

import gc
import json
from time import perf_counter
from typing import Any

from . import tape
from .rows import Figure, Goal, Row, check


def output(peer: Any, of: str, size: int) -> dict[str, float]:
    """Measure a run with that output, over `json.loads` of the same bytes in the same process."""
    body = tape.document(of, size)
    began = perf_counter()
    value = json.loads(body)
    parsing = perf_counter() - began
    del value  # which the garbage collector would visit again and again during the run
    gc.collect()
    began = perf_counter()
    returned = peer.run({"kind": "json", "of": of, "size": size})
    running = perf_counter() - began
    check(returned == json.loads(body), "another value")
    return {"ratio": running / parsing}


def _row(of: str, title: str) -> Row:
    return Row(
        "values.output",
        title,
        (Figure("ratio", title, "×", Goal(plus=1.05)),),
        {"of": of, "size": 20_000_000},
        {"size": 100_000},
        rounds=3,
    )


ROWS = [
    _row("numbers", "20 MB of numbers as JSON, over `json.loads`"),
    _row("records", "20 MB of records as JSON, over `json.loads`"),
]
