"""One prediction as the templates show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .. import timestamps
from ..job import SUCCEEDED, Job
from .output_views import Part, clean_logs, parts_of, percent_of, summarize


@dataclass(frozen=True)
class PredictionView:
    """One prediction at one time.

    Attributes:
        id: Its id.
        kind: "prediction" or "training".
        model: The name of its model.
        status: Its status.
        over: Whether that is a terminal one.
        error: Why it failed, or None.
        created_at: When it was created.
        seconds: How long it has run, or ran.
        percent: How far it is by its logs, or None.
        input: Its input, as JSON.
        input_parts: The files of its input.
        input_summary: Its input in one line.
        output: What it has made.
        output_summary: Its output in one line.
        text: Whether its output is one text.
        pieces: How many pieces of output there are.
        logs: Its logs.
        metrics: What was measured.
        version: What changes whenever anything of this does.
    """

    id: str
    kind: str
    model: str
    status: str
    over: bool
    error: str | None
    created_at: datetime
    seconds: float
    percent: int | None
    input: str
    input_parts: list[Part]
    input_summary: str
    output: list[Part]
    output_summary: str
    text: bool
    pieces: int
    logs: str
    metrics: Mapping[str, object]
    version: str


def view_prediction(job: Job) -> PredictionView:
    """Return what is shown of a prediction or a training now."""
    with job.changed:
        output = job.output
        logs = clean_logs(job.logs)
        over = job.over
        status = job.status
        counts = dict(job.counts)
        error = job.error
        metrics = dict(job.metrics)
        started_at = job.started_at
        end = job.completed_at or timestamps.now()
    origins = (job.spec.origin,)
    text = streams_text(job)
    percent = percent_of(logs)
    if status == SUCCEEDED:
        percent = 100
    pieces = len(output) if isinstance(output, list) else 0
    return PredictionView(
        id=job.id,
        kind="training" if job.spec.training else "prediction",
        model=job.model.name,
        status=status,
        over=over,
        error=error,
        created_at=job.created_at,
        seconds=max(0.0, (end - (started_at or job.created_at)).total_seconds()),
        percent=percent,
        input=json.dumps(shorten_files(job.redacted_input), indent=2, ensure_ascii=False),
        input_parts=[part for part in parts_of(job.redacted_input, origins) if part.own],
        input_summary=summarize(shorten_files(job.redacted_input)),
        output=parts_of(output, origins, concatenate=text),
        output_summary=summarize(output),
        text=text,
        pieces=pieces,
        logs=logs,
        metrics=metrics,
        version=f"{status}-{counts['output']}-{counts['logs']}",
    )


def streams_text(job: Job) -> bool:
    """Return whether a job's output is pieces of one text."""
    items = job.model.output.get("items", {})
    return job.model.streams and items.get("type") == "string" and items.get("format") != "uri"


def shorten_files(input: Mapping[str, object]) -> dict[str, object]:
    """Return an input whose `data:` URIs are short."""
    shown: dict[str, object] = {}
    for name, value in input.items():
        if isinstance(value, str) and value.startswith("data:") and len(value) > 200:
            value = f"{value.partition(',')[0]},… ({len(value):,} characters)"
        shown[name] = value
    return shown
