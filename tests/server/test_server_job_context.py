"""Outside of a prediction, what a model function calls does nothing."""

from __future__ import annotations

import time

from replicate_sync.server import job_context, log, metric


def test_outside_of_a_prediction_a_model_is_an_ordinary_function() -> None:
    called = []
    log("a line")
    metric("count", 1)
    job_context.on_cancel(lambda: called.append("canceled"))
    job_context.raise_if_canceled()
    started_at = time.monotonic()
    job_context.sleep(0.01)
    assert time.monotonic() - started_at >= 0.01
    assert not job_context.is_active()
    assert called == []
