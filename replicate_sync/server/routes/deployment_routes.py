"""The operations on deployments, which are all the account's."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..deployments import Deployment
from ..json_types import JSONObject
from ..local_account import SKUS, USERNAME
from ..models import Model
from ..schemas import Schema
from ..validation import Problem
from . import create_requests, problems
from .context import Route, ServerContext
from .create_responses import create_prediction
from .current_request import request
from .json_responses import empty_response, json_response
from .pagination import Listing, current_page
from .plain_response import PlainResponse
from .problems import APIError
from .serializers import serialize_deployment

_PAGE_SIZE = 100
_SETTINGS: Schema = {
    "hardware": {"type": "string", "enum": SKUS},
    "min_instances": {"type": "integer", "minimum": 0, "maximum": 5},
    "max_instances": {"type": "integer", "minimum": 0, "maximum": 20},
    "version": {"type": "string"},
}
_CREATE: Schema = {
    "type": "object",
    "required": ["name", "model", "version", "hardware", "min_instances", "max_instances"],
    "additionalProperties": True,
    "properties": {"name": {"type": "string"}, "model": {"type": "string"}, **_SETTINGS},
}
_UPDATE: Schema = {"type": "object", "additionalProperties": True, "properties": _SETTINGS}


class DeploymentRoutes:
    """Responds to the requests about deployments.

    API: https://replicate.com/docs/reference/http#deployments.create

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._deployments = context.deployments

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        deployment = "/v1/deployments/<owner>/<name>"
        return [
            Route("GET", "/v1/deployments", "deployments", self.all),
            Route("POST", "/v1/deployments", "new-deployment", self.create),
            Route("GET", deployment, "deployment", self.show),
            Route("PATCH", deployment, "change-deployment", self.update),
            Route("DELETE", deployment, "delete-deployment", self.delete),
            Route("POST", f"{deployment}/predictions", "create", self.create_prediction),
        ]

    def all(self) -> PlainResponse:
        """List deployments, newest first, 100 to a page."""
        listing = Listing(
            self._deployments.all(),
            lambda deployment: deployment.created_at,
            serialize_deployment,
            _PAGE_SIZE,
        )
        return json_response(current_page(listing))

    def create(self) -> PlainResponse:
        """Deploy a version of a model under a name."""
        body = create_requests.parse_object(request.get_data(), _CREATE)
        settings = {key: body[key] for key in _CREATE["properties"]}
        if not create_requests.is_name(settings["name"]):
            description = "Must be letters, digits, dots, dashes and underscores"
            raise problems.invalid([Problem("pattern", "name", description)])
        self._validate(settings)
        deployment = self._deployments.create(settings)
        if deployment is None:
            title = f"{USERNAME}/{settings['name']}"
            raise APIError(409, f"A deployment with the name {title} already exists")
        return json_response(serialize_deployment(deployment))

    def show(self, owner: str, name: str) -> PlainResponse:
        """Show a deployment."""
        return json_response(serialize_deployment(self._deployment(owner, name)))

    def update(self, owner: str, name: str) -> PlainResponse:
        """Create a release of a deployment with other settings."""
        previous = self._deployment(owner, name)
        body = create_requests.parse_object(request.get_data(), _UPDATE)
        settings = {key: body[key] for key in _SETTINGS if key in body}
        self._validate({**vars(previous), **settings})
        deployment = self._deployments.release(name, settings)
        if deployment is None:
            raise problems.not_found()
        return json_response(serialize_deployment(deployment))

    def delete(self, owner: str, name: str) -> Response:
        """Delete a deployment; it is offline at once."""
        self._deployments.delete(self._deployment(owner, name).name)
        return empty_response(204)

    def create_prediction(self, owner: str, name: str) -> PlainResponse:
        """Create a prediction of what is deployed."""
        deployment = self._deployment(owner, name)
        body = create_requests.parse_prediction(request.get_data())
        model = self._version(deployment.model, deployment.version)
        title = f"{USERNAME}/{deployment.name}"
        return create_prediction(self._context, model, model.version, body, title)

    def _validate(self, settings: JSONObject) -> None:
        if settings["min_instances"] > settings["max_instances"]:
            problem = Problem("number_lte", "min_instances", "Must be at most max_instances")
            raise problems.invalid([problem])
        self._version(settings["model"], settings["version"])

    def _version(self, name: str, version: str) -> Model:
        entry = self._context.catalog.get(name)
        model = entry.version(version) if entry else None
        if model is None:
            raise problems.unknown_version()
        return model

    def _deployment(self, owner: str, name: str) -> Deployment:
        deployment = self._deployments.get(name)
        if owner != USERNAME or deployment is None:
            raise problems.not_found()
        return deployment
