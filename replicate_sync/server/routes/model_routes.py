"""The operations on models and their versions. Whoever a model is named for, the account may change it."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ..catalog import Entry
from ..examples import Examples
from ..schemas import Schema
from ..validation import Problem, validate
from . import create_requests, pagination, problems, serializers
from .context import Route, ServerContext, request_origin
from .hardware_routes import SKUS
from .json_responses import answer
from .problems import Refusal

_PAGE = 25
_STRING: Schema = {"type": "string", "nullable": True}
_URL: Schema = {**_STRING, "format": "uri"}
_ABOUT: Schema = {"description": _STRING, "github_url": _URL, "paper_url": _URL, "license_url": _URL}
_NEW: Schema = {
    "type": "object",
    "required": ["owner", "name", "visibility", "hardware"],
    "additionalProperties": True,
    "properties": {
        "owner": {"type": "string"},
        "name": {"type": "string"},
        "visibility": {"type": "string", "enum": ["public", "private"]},
        "hardware": {"type": "string", "enum": SKUS},
        "cover_image_url": _URL,
        **_ABOUT,
    },
}
_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {"readme": _STRING, "weights_url": _URL, **_ABOUT},
}
_ORDERS: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {
        "sort_by": {"type": "string", "enum": ["model_created_at", "latest_version_created_at"]},
        "sort_direction": {"type": "string", "enum": ["asc", "desc"]},
    },
}


class ModelRoutes:
    """Answers the requests that are about models."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.catalog = context.catalog
        self.picked = Examples(context.jobs)

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        model = "/v1/models/<owner>/<name>"
        version = f"{model}/versions/<id>"
        return [
            Route("GET", "/v1/models", "models", self.all),
            Route("POST", "/v1/models", "new-model", self.create),
            Route("GET", model, "model", self.show),
            Route("PATCH", model, "change-model", self.change),
            Route("DELETE", model, "delete-model", self.delete),
            Route("GET", f"{model}/readme", "readme", self.readme),
            Route("GET", f"{model}/examples", "examples", self.examples),
            Route("GET", f"{model}/versions", "versions", self.versions),
            Route("GET", version, "version", self.version),
            Route("DELETE", version, "delete-version", self.delete_version),
        ]

    def all(self) -> Response:
        """List the public models, 25 to a page: in the order that is asked for, else the latest version first."""
        query = request.args.to_dict()
        found = validate(query, _ORDERS)
        if found:
            raise problems.invalid(found)
        of_model = query.get("sort_by") == "model_created_at"
        rising = query.get("sort_direction") == "asc"

        def moment(entry: Entry) -> Any:
            return entry.created_at if of_model else entry.moved_at

        entries = sorted(self.catalog.public(), key=moment, reverse=not rising)
        return answer(pagination.page(entries, moment, serializers.model, _PAGE, request.base_url, query, rising))

    def create(self) -> Response:
        """Make a model that has no version yet."""
        body = create_requests.checked(request.get_data(), _NEW)
        wrong = [key for key in ("owner", "name") if not create_requests.NAME.fullmatch(body[key])]
        if wrong:
            words = "Must be letters, digits, dots, dashes and underscores, and begin with a letter or a digit"
            raise problems.invalid([Problem("pattern", key, words) for key in wrong])
        name = f"{body.pop('owner')}/{body.pop('name')}"
        if not self.catalog.make(name, body):
            raise Refusal(409, f"A model with the name {name} already exists")
        return answer(serializers.model(self._entry(*name.split("/"))), 201)

    def show(self, owner: str, name: str) -> Response:
        """Show a model."""
        return answer(serializers.model(self._entry(owner, name)))

    def change(self, owner: str, name: str) -> Response:
        """Say something else about a model."""
        entry = self._entry(owner, name)
        body = create_requests.checked(request.get_data(), _CHANGE)
        self.catalog.describe(entry.name, {key: body[key] for key in _CHANGE["properties"] if key in body})
        return answer(serializers.model(self._entry(owner, name)))

    def delete(self, owner: str, name: str) -> Response:
        """Forget a private model that has no version."""
        entry = self._entry(owner, name)
        if entry.visibility != "private":
            raise Refusal(403, "You can only delete private models")
        if entry.versions:
            raise Refusal(403, "You can only delete models that have no versions associated with them")
        self.catalog.drop(entry.name)
        return _nothing(204)

    def readme(self, owner: str, name: str) -> Response:
        """Send a model's README."""
        text = self._entry(owner, name).about.get("readme")
        if not text:
            raise problems.not_found()
        return Response(text, content_type="text/plain; charset=utf-8")

    def examples(self, owner: str, name: str) -> Response:
        """List the examples of a model: some of those that the library brings have any."""
        model = self.context.models.get(self._entry(owner, name).name)
        found = self.picked.of(model, request_origin()) if model else []
        return answer({"next": None, "previous": None, "results": [serializers.prediction(job) for job in found]})

    def versions(self, owner: str, name: str) -> Response:
        """List the versions of a model, newest first."""
        found = [serializers.version(one) for one in self._entry(owner, name).versions]
        return answer({"next": None, "previous": None, "results": found})

    def version(self, owner: str, name: str, id: str) -> Response:
        """Show a version of a model."""
        found = self._entry(owner, name).version(id)
        if found is None:
            raise problems.not_found()
        return answer(serializers.version(found))

    def delete_version(self, owner: str, name: str, id: str) -> Response:
        """Forget a version of a private model, with its predictions."""
        entry = self._entry(owner, name)
        if entry.version(id) is None:
            raise problems.not_found()
        if entry.visibility != "private":
            raise Refusal(403, "You can only delete versions from private models")
        if any(one.version == id for one in self.context.deployments.all()):
            raise Refusal(403, "You cannot delete a version if it has an associated deployment")
        self.catalog.remove(entry.name, id)
        self.context.jobs.forget(id)
        return _nothing(202)

    def _entry(self, owner: str, name: str) -> Entry:
        entry = self.catalog.get(f"{owner}/{name}")
        if entry is None:
            raise problems.not_found()
        return entry


def _nothing(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
