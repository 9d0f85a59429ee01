"""The operations on predictions, and what they have in common with trainings."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

from flask import Response, request, send_file

from . import bodies, creation, headers, pages, problems, streams, times
from .answers import answer
from .homepage import Route
from .jobs import STARTING, SUCCEEDED, Job
from .models import Model
from .problems import Refusal
from .schemas import Schema
from .webhooks import Courier

if TYPE_CHECKING:
    from .local import LocalServer

_PAGE = 100
_FILTERS: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {"source": {"type": "string", "enum": ["web"]}},
}


class Predictions:
    """Answers the requests that are about predictions."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.jobs = server.jobs
        self.catalogue = server.catalogue

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        prediction = "/v1/predictions/<id>"
        return [
            ("POST", "/v1/predictions", "create", self.create),
            ("POST", "/v1/models/<owner>/<name>/predictions", "create", self.create_of_model),
            ("GET", "/v1/predictions", "list", self.all),
            ("GET", prediction, "look", self.show),
            ("POST", f"{prediction}/cancel", "cancel", self.cancel),
            ("GET", "/v1/streams/<capability>", "stream", self.stream),
            ("GET", "/outputs/<prediction>/<name>", "output", self.output),
            ("GET", "/p/<id>", "page", self.page),
        ]

    def create(self) -> Response:
        """Create a prediction of a version, or of an official model."""
        body = creation.read(request.get_data(), versioned=True)
        return self.start(*creation.model_of(body["version"], self.catalogue), body)

    def create_of_model(self, owner: str, name: str) -> Response:
        """Create a prediction of an official model."""
        model = self.catalogue.function(f"{owner}/{name}")
        if model is None:
            raise problems.not_found()
        return self.start(model, creation.HIDDEN, creation.read(request.get_data(), versioned=False))

    def start(self, model: Model, version: str, body: dict[str, Any], **more: str) -> Response:
        """Start the prediction that a body asks for, and answer at once or after the wait that a header asks for.

        `more` are further keys of the prediction's JSON.
        """
        creation.check_input(model, body["input"])
        options = creation.options(body, request.headers.get("Cancel-After"), **more)
        job = self.jobs.create(model, version, body["input"], origin(), **options)
        wait = headers.wait(request.headers.get("Prefer"))
        if wait is None:
            response = answer(bodies.edge(job), 201)
            launch(job, self.server)
            return response
        launch(job, self.server)
        job.wait(wait.seconds, self.server.stopped)
        inline = self.jobs.files if self.server.inline_files else None
        response = answer(bodies.edge(job, self._seen(job), inline), 201)
        response.headers["Preference-Applied"] = wait.applied
        return response

    def _seen(self, job: Job) -> str | None:
        """Give the status in which the answer to a wait shows a prediction, where it is not the one it has.

        One that is not over has not started: clients take any other status for the end.
        """
        if job.status == SUCCEEDED:
            return self.server.sync_status if self.server.sync_status != SUCCEEDED else None
        return None if job.over else STARTING

    def all(self) -> Response:
        """List predictions, newest first, 100 to a page."""
        query = request.args.to_dict()
        wrong = problems.find(query, _FILTERS)
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
        return answer(pages.page(found, lambda job: job.created, bodies.prediction, _PAGE, request.base_url, query))

    def show(self, id: str) -> Response:
        """Show a prediction."""
        return answer(bodies.prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a prediction; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return answer(bodies.prediction(job))

    def stream(self, capability: str) -> Response:
        """Send the events of a prediction as they come."""
        job = self.jobs.of_stream(capability)
        if job is None or not job.model.streams:
            raise problems.not_found()
        last = request.headers.get("Last-Event-ID") or request.args.get("last_event_id")
        client = request.environ.get("werkzeug.socket")
        events = streams.follow(job, last, self.server.idle_timeout, self.server.stopped, client)
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


def launch(job: Job, server: LocalServer) -> None:
    """Start a prediction or a training, and whoever tells its webhook of it."""
    if "webhook" in job.echo:
        Courier(job, lambda: server.webhook_secret, server.stopped).start()
    job.start()


def origin() -> str:
    """Give scheme, host and port of the server as the client of this request knows them."""
    return request.host_url.rstrip("/")


def _moment(name: str) -> Any:
    text = request.args.get(name)
    try:
        return times.read(text) if text else None
    except ValueError as error:
        raise Refusal(400, f"{name}: {error}") from None
