"""The operations on trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from . import bodies, creation, pages, problems
from .answers import answer
from .homepage import Route
from .jobs import Job
from .prediction_routes import launch, origin
from .problems import Refusal
from .trainings import training

if TYPE_CHECKING:
    from .local import LocalServer

_PAGE = 100


class Trainings:
    """Answers the requests that are about trainings."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.jobs = server.jobs
        self.catalogue = server.catalogue

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        version = "/v1/models/<owner>/<name>/versions/<id>"
        return [
            ("POST", f"{version}/trainings", "create", self.create),
            ("GET", "/v1/trainings", "trainings", self.all),
            ("GET", "/v1/trainings/<id>", "look", self.show),
            ("POST", "/v1/trainings/<id>/cancel", "cancel", self.cancel),
        ]

    def create(self, owner: str, name: str, id: str) -> Response:
        """Start a training of a version, for a model that is there already."""
        entry = self.catalogue.get(f"{owner}/{name}")
        model = entry.version(id) if entry else None
        if model is None:
            raise problems.not_found()
        body = creation.training(request.get_data())
        if model.trainer is None:
            raise Refusal(422, "The specified version cannot be trained", "Version is not trainable")
        if self.catalogue.get(body["destination"]) is None:
            raise Refusal(404, "The specified training destination does not exist")
        run = training(model, body["destination"], self.catalogue)
        creation.check_input(run, body["input"])
        options = creation.options(body, None)
        job = self.jobs.create(run, model.version, body["input"], origin(), training=True, **options)
        response = answer(bodies.edge(job), 201)
        launch(job, self.server)
        return response

    def all(self) -> Response:
        """List trainings, newest first, 100 to a page."""
        found, query = [job for job in self.jobs.all() if job.training], request.args.to_dict()
        return answer(pages.page(found, lambda job: job.created, bodies.prediction, _PAGE, request.base_url, query))

    def show(self, id: str) -> Response:
        """Show a training."""
        return answer(bodies.prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a training; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return answer(bodies.prediction(job))

    def _job(self, id: str) -> Job:
        job = self.jobs.get(id)
        if job is None or not job.training:
            raise problems.not_found()
        return job
