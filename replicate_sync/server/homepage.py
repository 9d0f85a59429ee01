"""The protocol of the demo that Replicate's homepage had: create, then poll, without a token."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from . import bodies, creation, problems
from .answers import answer
from .jobs import Job, Jobs
from .models import Registry
from .problems import Refusal
from .schemas import Schema

_TEXT = "text/plain;charset=utf-8"
_BODY: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "additionalProperties": True,
    "properties": {"model": {"type": "string"}, "version": {"type": "string"}, "input": {"type": "object"}},
}

Route = tuple[str, str, str, Callable[..., Response]]


class Homepage:
    """Answers the homepage's two requests for one server."""

    def __init__(self, jobs: Jobs, models: Registry) -> None:
        self.jobs = jobs
        self.models = models

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        return [
            ("POST", "/api/prediction", "home", self.create),
            ("GET", "/api/prediction", "home-look", self.poll),
            ("GET", "/api/poll", "home-poll", self.poll),
        ]

    def create(self) -> Response:
        """Create a prediction of a model named together with its version."""
        try:
            job = self._create()
        except Refusal as refusal:
            return answer(refusal.body, refusal.status, _TEXT)
        response = answer(bodies.edge(job), 200, _TEXT)
        job.start()
        return response

    def _create(self) -> Job:
        body = creation.parse(request.get_data())
        found = problems.find(body, _BODY)
        if found:
            raise problems.invalid(found)
        model = self.models.get(body["model"])
        if model is None:
            raise problems.not_found()
        if body.get("version", model.version) != model.version:
            raise problems.unknown_version()
        creation.check_input(model, body["input"])
        origin = request.host_url.rstrip("/")
        return self.jobs.create(model, model.version, body["input"], origin, source="web")

    def poll(self) -> Response:
        """Show a prediction."""
        job = self.jobs.get(request.args.get("id", ""))
        if job is None:
            return answer(problems.not_found().body, 404, _TEXT)
        return answer(bodies.prediction(job), 200, _TEXT)
