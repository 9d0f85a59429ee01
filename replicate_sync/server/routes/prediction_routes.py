"""The operations on predictions: create, list, show, cancel, stream; and their files."""

from __future__ import annotations

import io
from datetime import datetime

from werkzeug.utils import send_file
from werkzeug.wrappers import Response

from .. import streams, timestamps
from ..job import Job
from ..schemas import Schema
from ..validation import validate
from . import create_requests, problems
from .context import Route, ServerContext
from .create_responses import create_prediction
from .current_request import current_request, request
from .json_responses import json_response
from .pagination import Listing, current_page
from .plain_response import PlainResponse
from .problems import APIError
from .serializers import serialize_job

_PAGE_SIZE = 100
_OUTPUT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    # A model's HTML or SVG runs nothing, although it comes from the origin of the server's pages.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_FILTERS: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {"source": {"type": "string", "enum": ["web"]}},
}


class PredictionRoutes:
    """Responds to the requests about predictions.

    API: https://replicate.com/docs/reference/http#predictions.create

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._jobs = context.jobs

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        of_model = "/v1/models/<owner>/<name>/predictions"
        prediction = "/v1/predictions/<id>"
        return [
            Route("POST", "/v1/predictions", "create", self.create),
            Route("POST", of_model, "create", self.create_of_model),
            Route("GET", "/v1/predictions", "list", self.all),
            Route("GET", prediction, "show", self.show),
            Route("POST", f"{prediction}/cancel", "cancel", self.cancel),
            Route("GET", "/v1/streams/<key>", "stream", self.stream),
            Route("GET", "/outputs/<prediction>/<name>", "output", self.output),
        ]

    def create(self) -> PlainResponse:
        """Create a prediction of a version, or of an official model."""
        body = create_requests.parse_prediction_of_version(request.get_data())
        model, version = create_requests.resolve_version(body["version"], self._context.catalog)
        return create_prediction(self._context, model, version, body)

    def create_of_model(self, owner: str, name: str) -> PlainResponse:
        """Create a prediction of an official model."""
        model = self._context.catalog.official(f"{owner}/{name}")
        if model is None:
            raise problems.not_found()
        body = create_requests.parse_prediction(request.get_data())
        return create_prediction(self._context, model, create_requests.HIDDEN, body)

    def all(self) -> PlainResponse:
        """List predictions, newest first, 100 to a page."""
        create_requests.raise_if_invalid(validate(request.args.to_dict(), _FILTERS))
        after = _timestamp_argument("created_after")
        before = _timestamp_argument("created_before")
        source = request.args.get("source")
        jobs = [
            job
            for job in self._jobs.all()
            if (after is None or job.created_at >= after)
            and (before is None or job.created_at < before)
            and (source is None or job.spec.source == source)
            and not job.spec.training
        ]
        listing = Listing(jobs, lambda job: job.created_at, serialize_job, _PAGE_SIZE)
        return json_response(current_page(listing))

    def show(self, id: str) -> PlainResponse:
        """Show a prediction."""
        return json_response(serialize_job(self._job(id)))

    def cancel(self, id: str) -> PlainResponse:
        """Cancel a prediction; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return json_response(serialize_job(job))

    def stream(self, key: str) -> PlainResponse:
        """Send the events of a prediction as they come."""
        job = self._jobs.get_by_stream_key(key)
        if job is None or not job.model.streams:
            raise problems.not_found()
        current = current_request.get()
        last_event_id = current.headers.get("Last-Event-ID")
        if not last_event_id and current.query_string:
            last_event_id = current.args.get("last_event_id")
        events = streams.stream_events(
            job,
            last_event_id,
            self._context.idle_timeout,
            self._context.stopped,
            current.environ.get(streams.CLIENT_SOCKET),
        )
        headers = [
            ("Content-Type", "text/event-stream; charset=utf-8"),
            ("Cache-Control", "no-cache"),
        ]
        return PlainResponse(200, headers, events)

    def output(self, prediction: str, name: str) -> Response:
        """Send a file that a model returned, or a range of it."""
        self._jobs.expire()
        file = self._jobs.files.get(prediction, name)
        if file is None:
            raise problems.not_found()
        response = send_file(
            io.BytesIO(file.blob.data),
            request.environ,
            file.type,
            download_name=name,
            conditional=True,
            max_age=3600,
        )
        response.headers.update(_OUTPUT_HEADERS)
        return response

    def _job(self, id: str) -> Job:
        job = self._jobs.get(id)
        if job is None:
            raise problems.not_found()
        return job


def _timestamp_argument(name: str) -> datetime | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        return timestamps.parse(text)
    except ValueError as error:
        raise APIError(400, f"{name}: {error}") from None
