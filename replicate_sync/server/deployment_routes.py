"""The operations on deployments, which are all the account's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from . import creation, pages, problems
from .account import USERNAME
from .answers import answer
from .deployments import Deployment
from .hardware import SKUS
from .homepage import Route
from .models import Model
from .prediction_routes import Predictions
from .problems import Problem, Refusal
from .schemas import Schema

if TYPE_CHECKING:
    from .local import LocalServer

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


class Deployed:
    """Answers the requests that are about deployments."""

    def __init__(self, server: LocalServer, predictions: Predictions) -> None:
        self.deployments = server.deployments
        self.catalogue = server.catalogue
        self.predictions = predictions

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        deployment = "/v1/deployments/<owner>/<name>"
        return [
            ("GET", "/v1/deployments", "deployments", self.all),
            ("POST", "/v1/deployments", "new-deployment", self.create),
            ("GET", deployment, "deployment", self.show),
            ("PATCH", deployment, "change-deployment", self.change),
            ("DELETE", deployment, "delete-deployment", self.delete),
            ("POST", f"{deployment}/predictions", "create", self.predict),
        ]

    def all(self) -> Response:
        """List deployments, newest first."""
        found, query = self.deployments.all(), request.args.to_dict()
        return answer(pages.page(found, lambda one: one.created, Deployment.shown, _PAGE, request.base_url, query))

    def create(self) -> Response:
        """Deploy a version of a model under a name."""
        body = creation.checked(request.get_data(), _NEW)
        settings = {key: body[key] for key in _NEW["properties"]}
        if not creation.NAME.fullmatch(settings["name"]):
            raise problems.invalid([Problem("pattern", "name", "Must be letters, digits, dots, dashes and underscores")])
        self._check(settings)
        made = self.deployments.make(settings)
        if made is None:
            raise Refusal(409, f"A deployment with the name {USERNAME}/{settings['name']} already exists")
        return answer(made.shown())

    def show(self, owner: str, name: str) -> Response:
        """Show a deployment."""
        return answer(self._deployment(owner, name).shown())

    def change(self, owner: str, name: str) -> Response:
        """Release a deployment with other settings."""
        old = self._deployment(owner, name)
        body = creation.checked(request.get_data(), _CHANGE)
        settings = {key: body[key] for key in _SCALE if key in body}
        self._check({**vars(old), **settings})
        made = self.deployments.release(name, settings)
        if made is None:
            raise problems.not_found()
        return answer(made.shown())

    def delete(self, owner: str, name: str) -> Response:
        """Forget a deployment; it is offline at once."""
        self.deployments.drop(self._deployment(owner, name).name)
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    def predict(self, owner: str, name: str) -> Response:
        """Create a prediction of what is deployed."""
        deployment = self._deployment(owner, name)
        body = creation.read(request.get_data(), versioned=False)
        model = self._version(deployment.model, deployment.version)
        return self.predictions.start(model, model.version, body, deployment=deployment.title)

    def _check(self, settings: dict[str, Any]) -> None:
        if settings["min_instances"] > settings["max_instances"]:
            raise problems.invalid([Problem("number_lte", "min_instances", "Must be at most max_instances")])
        self._version(settings["model"], settings["version"])

    def _version(self, name: str, version: str) -> Model:
        entry = self.catalogue.get(name)
        found = entry.version(version) if entry else None
        if found is None:
            raise problems.unknown_version()
        return found

    def _deployment(self, owner: str, name: str) -> Deployment:
        found = self.deployments.get(name) if owner == USERNAME else None
        if found is None:
            raise problems.not_found()
        return found
