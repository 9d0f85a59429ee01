"""Trace predictions with OpenTelemetry: a span for each, from its creation to its end.

pip install opentelemetry-sdk
python examples/spans.py "Name a river."
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

import replicate_sync
from replicate_sync import PredictionEvent


def spans_of(tracer: Tracer) -> Callable[[PredictionEvent], None]:
    """Return what `on_event` takes: a listener that keeps one span for each prediction."""
    spans: dict[str, Span] = {}

    def on_event(event: PredictionEvent) -> None:
        moment = int(event.time * 1e9)  # nanoseconds
        if event.kind == "created":
            spans[event.id] = tracer.start_span(f"run {event.model}", start_time=moment)
            spans[event.id].set_attribute("replicate.prediction", event.id)
        elif event.kind in ("ended", "canceled") and event.id in spans:
            span = spans.pop(event.id)
            span.set_attribute("replicate.status", event.status)
            for name, value in event.metrics.items():
                span.set_attribute(f"replicate.{name}", value)
            if event.status == "failed":
                span.set_status(Status(StatusCode.ERROR, event.error))
            span.end(end_time=moment)
        elif event.id in spans:
            spans[event.id].add_event(event.kind, timestamp=moment)

    return on_event


if __name__ == "__main__":
    from opentelemetry.sdk.trace import TracerProvider, export

    provider = TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(export.ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)
    online = "REPLICATE_API_TOKEN" in os.environ
    client = replicate_sync.Replicate() if online else replicate_sync.local()
    client = client.with_options(on_event=spans_of(trace.get_tracer("replicate_sync")))
    print("".join(client.chat(" ".join(sys.argv[1:]) or "Name a river.")))
    print(client.usage)
