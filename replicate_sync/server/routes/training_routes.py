"""The operations on trainings."""

from __future__ import annotations

from flask import Response, request

from ..jobs import Job
from ..trainings import training
from . import create_requests, pagination, problems, serializers
from .context import Route, ServerContext, request_origin
from .create_responses import launch
from .json_responses import answer
from .problems import Refusal

_PAGE = 100


class TrainingRoutes:
    """Answers the requests that are about trainings."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.jobs = context.jobs
        self.catalog = context.catalog

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        version = "/v1/models/<owner>/<name>/versions/<id>"
        return [
            Route("POST", f"{version}/trainings", "create", self.create),
            Route("GET", "/v1/trainings", "trainings", self.all),
            Route("GET", "/v1/trainings/<id>", "look", self.show),
            Route("POST", "/v1/trainings/<id>/cancel", "cancel", self.cancel),
        ]

    def create(self, owner: str, name: str, id: str) -> Response:
        """Start a training of a version, for a model that is there already."""
        entry = self.catalog.get(f"{owner}/{name}")
        model = entry.version(id) if entry else None
        if model is None:
            raise problems.not_found()
        body = create_requests.training(request.get_data())
        if model.trainer is None:
            raise Refusal(422, "The specified version cannot be trained", "Version is not trainable")
        if self.catalog.get(body["destination"]) is None:
            raise Refusal(404, "The specified training destination does not exist")
        run = training(model, body["destination"], self.catalog)
        create_requests.check_input(run, body["input"])
        options = create_requests.options(body, None)
        job = self.jobs.create(run, model.version, body["input"], request_origin(), training=True, **options)
        response = answer(serializers.edge(job), 201)
        launch(job, self.context)
        return response

    def all(self) -> Response:
        """List trainings, newest first, 100 to a page."""
        found, query = [job for job in self.jobs.all() if job.training], request.args.to_dict()
        return answer(
            pagination.page(found, lambda job: job.created, serializers.prediction, _PAGE, request.base_url, query)
        )

    def show(self, id: str) -> Response:
        """Show a training."""
        return answer(serializers.prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a training; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return answer(serializers.prediction(job))

    def _job(self, id: str) -> Job:
        job = self.jobs.get(id)
        if job is None or not job.training:
            raise problems.not_found()
        return job
