"""The operations on models and their versions. Whoever a model is named for, the account may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from . import bodies, creation, pages, problems
from .answers import answer
from .catalogue import Entry
from .examples import Examples
from .hardware import SKUS
from .homepage import Route
from .prediction_routes import origin
from .problems import Problem, Refusal
from .schemas import Schema

if TYPE_CHECKING:
    from .local import LocalServer

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


class Models:
    """Answers the requests that are about models."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.catalogue = server.catalogue
        self.picked = Examples(server.jobs)

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        model = "/v1/models/<owner>/<name>"
        version = f"{model}/versions/<id>"
        return [
            ("GET", "/v1/models", "models", self.all),
            ("POST", "/v1/models", "new-model", self.create),
            ("GET", model, "model", self.show),
            ("PATCH", model, "change-model", self.change),
            ("DELETE", model, "delete-model", self.delete),
            ("GET", f"{model}/readme", "readme", self.readme),
            ("GET", f"{model}/examples", "examples", self.examples),
            ("GET", f"{model}/versions", "versions", self.versions),
            ("GET", version, "version", self.version),
            ("DELETE", version, "delete-version", self.delete_version),
        ]

    def all(self) -> Response:
        """List the public models, 25 to a page: in the order that is asked for, else the latest version first."""
        query = request.args.to_dict()
        found = problems.find(query, _ORDERS)
        if found:
            raise problems.invalid(found)
        of_model = query.get("sort_by") == "model_created_at"
        rising = query.get("sort_direction") == "asc"

        def moment(entry: Entry) -> Any:
            return entry.created_at if of_model else entry.moved_at

        entries = sorted(self.catalogue.public(), key=moment, reverse=not rising)
        return answer(pages.page(entries, moment, bodies.model, _PAGE, request.base_url, query, rising))

    def create(self) -> Response:
        """Make a model that has no version yet."""
        body = creation.checked(request.get_data(), _NEW)
        wrong = [key for key in ("owner", "name") if not creation.NAME.fullmatch(body[key])]
        if wrong:
            words = "Must be letters, digits, dots, dashes and underscores, and begin with a letter or a digit"
            raise problems.invalid([Problem("pattern", key, words) for key in wrong])
        name = f"{body.pop('owner')}/{body.pop('name')}"
        if not self.catalogue.make(name, body):
            raise Refusal(409, f"A model with the name {name} already exists")
        return answer(bodies.model(self._entry(*name.split("/"))), 201)

    def show(self, owner: str, name: str) -> Response:
        """Show a model."""
        return answer(bodies.model(self._entry(owner, name)))

    def change(self, owner: str, name: str) -> Response:
        """Say something else about a model."""
        entry = self._entry(owner, name)
        body = creation.checked(request.get_data(), _CHANGE)
        self.catalogue.describe(entry.name, {key: body[key] for key in _CHANGE["properties"] if key in body})
        return answer(bodies.model(self._entry(owner, name)))

    def delete(self, owner: str, name: str) -> Response:
        """Forget a private model that has no version."""
        entry = self._entry(owner, name)
        if entry.visibility != "private":
            raise Refusal(403, "You can only delete private models")
        if entry.versions:
            raise Refusal(403, "You can only delete models that have no versions associated with them")
        self.catalogue.drop(entry.name)
        return _nothing(204)

    def readme(self, owner: str, name: str) -> Response:
        """Send a model's README."""
        text = self._entry(owner, name).about.get("readme")
        if not text:
            raise problems.not_found()
        return Response(text, content_type="text/plain; charset=utf-8")

    def examples(self, owner: str, name: str) -> Response:
        """List the examples of a model: some of those that the library brings have any."""
        model = self.server.models.get(self._entry(owner, name).name)
        found = self.picked.of(model, origin()) if model else []
        return answer({"next": None, "previous": None, "results": [bodies.prediction(job) for job in found]})

    def versions(self, owner: str, name: str) -> Response:
        """List the versions of a model, newest first."""
        found = [bodies.version(one) for one in self._entry(owner, name).versions]
        return answer({"next": None, "previous": None, "results": found})

    def version(self, owner: str, name: str, id: str) -> Response:
        """Show a version of a model."""
        found = self._entry(owner, name).version(id)
        if found is None:
            raise problems.not_found()
        return answer(bodies.version(found))

    def delete_version(self, owner: str, name: str, id: str) -> Response:
        """Forget a version of a private model, with its predictions."""
        entry = self._entry(owner, name)
        if entry.version(id) is None:
            raise problems.not_found()
        if entry.visibility != "private":
            raise Refusal(403, "You can only delete versions from private models")
        if any(one.version == id for one in self.server.deployments.all()):
            raise Refusal(403, "You cannot delete a version if it has an associated deployment")
        self.catalogue.remove(entry.name, id)
        self.server.jobs.forget(id)
        return _nothing(202)

    def _entry(self, owner: str, name: str) -> Entry:
        entry = self.catalogue.get(f"{owner}/{name}")
        if entry is None:
            raise problems.not_found()
        return entry


def _nothing(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response
