"""The operations on trainings: create, list, show, cancel."""

from __future__ import annotations

from ..job import Job
from ..job_spec import JobSpec
from ..trainings import training_model
from . import create_requests, problems
from .context import Route, ServerContext, request_origin
from .create_responses import start_job
from .current_request import request
from .json_responses import json_response
from .pagination import Listing, current_page
from .plain_response import PlainResponse
from .problems import APIError
from .serializers import serialize_edge_job, serialize_job

_PAGE_SIZE = 100


class TrainingRoutes:
    """Responds to the requests about trainings.

    API: https://replicate.com/docs/reference/http#trainings.create

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._jobs = context.jobs

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        version = "/v1/models/<owner>/<name>/versions/<id>"
        return [
            Route("POST", f"{version}/trainings", "create", self.create),
            Route("GET", "/v1/trainings", "trainings", self.all),
            Route("GET", "/v1/trainings/<id>", "show", self.show),
            Route("POST", "/v1/trainings/<id>/cancel", "cancel", self.cancel),
        ]

    def create(self, owner: str, name: str, id: str) -> PlainResponse:
        """Start a training of a version, for a model that exists already."""
        catalog = self._context.catalog
        entry = catalog.get(f"{owner}/{name}")
        model = entry.version(id) if entry else None
        if model is None:
            raise problems.not_found()
        body = create_requests.parse_training(request.get_data())
        if model.trainer is None:
            detail = "The specified version cannot be trained"
            raise APIError(422, detail, "Version is not trainable")
        if catalog.get(body["destination"]) is None:
            raise APIError(404, "The specified training destination does not exist")
        training = training_model(model, body["destination"], catalog)
        create_requests.validate_input(training, body["input"])
        spec = JobSpec(
            model=training,
            version=model.version,
            input=body["input"],
            origin=request_origin(),
            echo=create_requests.webhook_options(body),
            training=True,
        )
        job = self._jobs.create(spec)
        response = json_response(serialize_edge_job(job), 201)
        start_job(job, self._context)
        return response

    def all(self) -> PlainResponse:
        """List trainings, newest first, 100 to a page."""
        jobs = [job for job in self._jobs.all() if job.spec.training]
        listing = Listing(jobs, lambda job: job.created_at, serialize_job, _PAGE_SIZE)
        return json_response(current_page(listing))

    def show(self, id: str) -> PlainResponse:
        """Show a training."""
        return json_response(serialize_job(self._job(id)))

    def cancel(self, id: str) -> PlainResponse:
        """Cancel a training; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return json_response(serialize_job(job))

    def _job(self, id: str) -> Job:
        job = self._jobs.get(id)
        if job is None or not job.spec.training:
            raise problems.not_found()
        return job
