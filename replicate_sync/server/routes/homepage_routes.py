"""The protocol of the demo that Replicate's homepage had: create, then poll, without a token."""

from __future__ import annotations

from ..job import Job
from ..job_spec import JobSpec
from ..schemas import Schema
from . import create_requests, problems
from .context import Route, RouteGroup, ServerContext, request_origin
from .current_request import request
from .json_responses import json_response
from .plain_response import PlainResponse
from .serializers import serialize_edge_job, serialize_job

_CREATE: Schema = {
    "type": "object",
    "required": ["model", "input"],
    "additionalProperties": True,
    "properties": {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "input": {"type": "object"},
    },
}


class HomepageRoutes(RouteGroup[ServerContext]):
    """Responds to the homepage's two requests."""

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        return [
            Route("POST", "/api/prediction", "home", self.create),
            Route("GET", "/api/prediction", "home-show", self.show),
            Route("GET", "/api/poll", "home-poll", self.show),
        ]

    def create(self) -> PlainResponse:
        """Create a prediction of a model, whose version may be named too."""
        job = self._create()
        response = json_response(serialize_edge_job(job))
        job.start()
        return response

    def show(self) -> PlainResponse:
        """Show a prediction."""
        job = self._context.jobs.get(request.args.get("id", ""))
        if job is None:
            raise problems.not_found()
        return json_response(serialize_job(job))

    def _create(self) -> Job:
        body = create_requests.parse_object(request.get_data(), _CREATE)
        model = self._context.models.get(body["model"])
        if model is None:
            raise problems.not_found()
        if body.get("version", model.version) != model.version:
            raise problems.unknown_version()
        create_requests.validate_input(model, body["input"])
        spec = JobSpec(model, model.version, body["input"], request_origin(), source="web")
        return self._context.jobs.create(spec)
