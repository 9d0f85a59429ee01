"""The operations on deployments, which are all the account's."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ..deployments import Deployment
from ..models import Model
from ..schemas import Schema
from ..validation import Problem
from . import create_requests, pagination, problems, serializers
from .account_routes import USERNAME
from .context import Route, ServerContext
from .create_responses import start_prediction
from .hardware_routes import SKUS
from .json_responses import answer
from .problems import Refusal

_PAGE = 100
_SCALE: Schema = {
    "hardware": {"type": "string", "enum": SKUS},
    "min_instances": {"type": "integer", "minimum": 0, "maximum": 5},
    "max_instances": {"type": "integer", "minimum": 0, "maximum": 20},
    "version": {"type": "string"},
}
_NEW: Schema = {
    "type": "object",
    "required": ["name", "model", "version", "hardware", "min_instances", "max_instances"],
    "additionalProperties": True,
    "properties": {"name": {"type": "string"}, "model": {"type": "string"}, **_SCALE},
}
_CHANGE: Schema = {"type": "object", "additionalProperties": True, "properties": _SCALE}


class DeploymentRoutes:
    """Answers the requests that are about deployments."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.deployments = context.deployments
        self.catalog = context.catalog

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        deployment = "/v1/deployments/<owner>/<name>"
        return [
            Route("GET", "/v1/deployments", "deployments", self.all),
            Route("POST", "/v1/deployments", "new-deployment", self.create),
            Route("GET", deployment, "deployment", self.show),
            Route("PATCH", deployment, "change-deployment", self.change),
            Route("DELETE", deployment, "delete-deployment", self.delete),
            Route("POST", f"{deployment}/predictions", "create", self.predict),
        ]

    def all(self) -> Response:
        """List deployments, newest first."""
        found, query = self.deployments.all(), request.args.to_dict()
        return answer(
            pagination.page(found, lambda one: one.created, serializers.deployment, _PAGE, request.base_url, query)
        )

    def create(self) -> Response:
        """Deploy a version of a model under a name."""
        body = create_requests.checked(request.get_data(), _NEW)
        settings = {key: body[key] for key in _NEW["properties"]}
        if not create_requests.NAME.fullmatch(settings["name"]):
            raise problems.invalid([Problem("pattern", "name", "Must be letters, digits, dots, dashes and underscores")])
        self._check(settings)
        made = self.deployments.make(settings)
        if made is None:
            raise Refusal(409, f"A deployment with the name {USERNAME}/{settings['name']} already exists")
        return answer(serializers.deployment(made))

    def show(self, owner: str, name: str) -> Response:
        """Show a deployment."""
        return answer(serializers.deployment(self._deployment(owner, name)))

    def change(self, owner: str, name: str) -> Response:
        """Release a deployment with other settings."""
        old = self._deployment(owner, name)
        body = create_requests.checked(request.get_data(), _CHANGE)
        settings = {key: body[key] for key in _SCALE if key in body}
        self._check({**vars(old), **settings})
        made = self.deployments.release(name, settings)
        if made is None:
            raise problems.not_found()
        return answer(serializers.deployment(made))

    def delete(self, owner: str, name: str) -> Response:
        """Forget a deployment; it is offline at once."""
        self.deployments.drop(self._deployment(owner, name).name)
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    def predict(self, owner: str, name: str) -> Response:
        """Create a prediction of what is deployed."""
        deployment = self._deployment(owner, name)
        body = create_requests.read(request.get_data(), versioned=False)
        model = self._version(deployment.model, deployment.version)
        return start_prediction(self.context, model, model.version, body, deployment=f"{USERNAME}/{deployment.name}")

    def _check(self, settings: dict[str, Any]) -> None:
        if settings["min_instances"] > settings["max_instances"]:
            raise problems.invalid([Problem("number_lte", "min_instances", "Must be at most max_instances")])
        self._version(settings["model"], settings["version"])

    def _version(self, name: str, version: str) -> Model:
        entry = self.catalog.get(name)
        found = entry.version(version) if entry else None
        if found is None:
            raise problems.unknown_version()
        return found

    def _deployment(self, owner: str, name: str) -> Deployment:
        found = self.deployments.get(name) if owner == USERNAME else None
        if found is None:
            raise problems.not_found()
        return found
