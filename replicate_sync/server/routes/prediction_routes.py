"""The operations on predictions, and what they have in common with trainings."""

from __future__ import annotations

import html
import io
from typing import Any

from flask import Response, request, send_file

from .. import streams, timestamps
from ..jobs import Job
from ..schemas import Schema
from ..validation import validate
from . import create_requests, pagination, problems, serializers
from .context import Route, ServerContext
from .create_responses import start_prediction
from .json_responses import answer
from .problems import Refusal

_PAGE = 100
_FILTERS: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {"source": {"type": "string", "enum": ["web"]}},
}


class PredictionRoutes:
    """Answers the requests that are about predictions."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.jobs = context.jobs
        self.catalog = context.catalog

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        prediction = "/v1/predictions/<id>"
        return [
            Route("POST", "/v1/predictions", "create", self.create),
            Route("POST", "/v1/models/<owner>/<name>/predictions", "create", self.create_of_model),
            Route("GET", "/v1/predictions", "list", self.all),
            Route("GET", prediction, "look", self.show),
            Route("POST", f"{prediction}/cancel", "cancel", self.cancel),
            Route("GET", "/v1/streams/<capability>", "stream", self.stream),
            Route("GET", "/outputs/<prediction>/<name>", "output", self.output),
            Route("GET", "/p/<id>", "page", self.page),
        ]

    def create(self) -> Response:
        """Create a prediction of a version, or of an official model."""
        body = create_requests.read(request.get_data(), versioned=True)
        return start_prediction(self.context, *create_requests.model_of(body["version"], self.catalog), body)

    def create_of_model(self, owner: str, name: str) -> Response:
        """Create a prediction of an official model."""
        model = self.catalog.function(f"{owner}/{name}")
        if model is None:
            raise problems.not_found()
        return start_prediction(
            self.context, model, create_requests.HIDDEN, create_requests.read(request.get_data(), versioned=False)
        )

    def all(self) -> Response:
        """List predictions, newest first, 100 to a page."""
        query = request.args.to_dict()
        wrong = validate(query, _FILTERS)
        if wrong:
            raise problems.invalid(wrong)
        after, before = (_moment(name) for name in ("created_after", "created_before"))
        found = [
            job
            for job in self.jobs.all()
            if (not after or job.created >= after)
            and (not before or job.created < before)
            and query.get("source", job.source) == job.source
            and not job.training
        ]
        return answer(
            pagination.page(found, lambda job: job.created, serializers.prediction, _PAGE, request.base_url, query)
        )

    def show(self, id: str) -> Response:
        """Show a prediction."""
        return answer(serializers.prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a prediction; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return answer(serializers.prediction(job))

    def stream(self, capability: str) -> Response:
        """Send the events of a prediction as they come."""
        job = self.jobs.of_stream(capability)
        if job is None or not job.model.streams:
            raise problems.not_found()
        last = request.headers.get("Last-Event-ID") or request.args.get("last_event_id")
        client = request.environ.get("werkzeug.socket")
        events = streams.follow(job, last, self.context.idle_timeout, self.context.stopped, client)
        kept = {"Cache-Control": "no-cache"}
        return Response(events, headers=kept, content_type="text/event-stream; charset=utf-8")

    def output(self, prediction: str, name: str) -> Response:
        """Send a file that a model made, or a range of it."""
        kept = self.jobs.files.get(prediction, name)
        if kept is None:
            raise problems.not_found()
        response = send_file(io.BytesIO(kept.data), kept.type, download_name=name, conditional=True, max_age=3600)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def page(self, id: str) -> Response:
        """Show a prediction to a person."""
        job = self._job(id)
        lines = (f"{job.model.name}: {job.status}", f"input: {job.input}", f"output: {job.output}", job.logs)
        return Response(f"<!doctype html><title>{job.id}</title><pre>{html.escape(chr(10).join(lines))}</pre>")

    def _job(self, id: str) -> Job:
        job = self.jobs.get(id)
        if job is None:
            raise problems.not_found()
        return job


def _moment(name: str) -> Any:
    text = request.args.get(name)
    try:
        return timestamps.read(text) if text else None
    except ValueError as error:
        raise Refusal(400, f"{name}: {error}") from None
