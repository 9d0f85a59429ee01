"""The protocol of the demo that Replicate's homepage had: create, then poll, without a token."""

from __future__ import annotations

from flask import Response, request

from ..jobs import Job
from ..schemas import Schema
from ..validation import validate
from . import create_requests, problems, serializers
from .context import Route, ServerContext, request_origin
from .json_responses import answer
from .problems import Refusal

_TEXT = "text/plain;charset=utf-8"
_BODY: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "additionalProperties": True,
    "properties": {"model": {"type": "string"}, "version": {"type": "string"}, "input": {"type": "object"}},
}


class HomepageRoutes:
    """Answers the homepage's two requests for one server."""

    def __init__(self, context: ServerContext) -> None:
        self.jobs = context.jobs
        self.models = context.models

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        return [
            Route("POST", "/api/prediction", "home", self.create),
            Route("GET", "/api/prediction", "home-look", self.poll),
            Route("GET", "/api/poll", "home-poll", self.poll),
        ]

    def create(self) -> Response:
        """Create a prediction of a model named together with its version."""
        try:
            job = self._create()
        except Refusal as refusal:
            return answer(refusal.body, refusal.status, _TEXT)
        response = answer(serializers.edge(job), 200, _TEXT)
        job.start()
        return response

    def _create(self) -> Job:
        body = create_requests.parse(request.get_data())
        found = validate(body, _BODY)
        if found:
            raise problems.invalid(found)
        model = self.models.get(body["model"])
        if model is None:
            raise problems.not_found()
        if body.get("version", model.version) != model.version:
            raise problems.unknown_version()
        create_requests.check_input(model, body["input"])
        origin = request_origin()
        return self.jobs.create(model, model.version, body["input"], origin, source="web")

    def poll(self) -> Response:
        """Show a prediction."""
        job = self.jobs.get(request.args.get("id", ""))
        if job is None:
            return answer(problems.not_found().body, 404, _TEXT)
        return answer(serializers.prediction(job), 200, _TEXT)
