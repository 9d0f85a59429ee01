"""The operations on models and their versions; the account may change any model."""

from __future__ import annotations

from datetime import datetime

from werkzeug.wrappers import Response

from ..catalog import Entry
from ..examples import Examples
from ..job import Job
from ..local_account import SKUS
from ..schemas import Schema
from ..validation import Problem, validate
from . import create_requests, problems
from .context import Route, ServerContext, request_origin
from .current_request import request
from .json_responses import empty_response, json_response
from .pagination import Listing, current_page, unpaged
from .plain_response import PlainResponse
from .problems import APIError
from .serializers import serialize_job, serialize_model, serialize_version

_PAGE_SIZE = 25
_STRING: Schema = {"type": "string", "nullable": True}
_URL: Schema = {**_STRING, "format": "uri"}
_ABOUT: Schema = {
    "description": _STRING,
    "github_url": _URL,
    "paper_url": _URL,
    "license_url": _URL,
}
_CREATE: Schema = {
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
_UPDATE: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {"readme": _STRING, "weights_url": _URL, **_ABOUT},
}
_SORTING: Schema = {
    "type": "object",
    "additionalProperties": True,
    "properties": {
        "sort_by": {"type": "string", "enum": ["model_created_at", "latest_version_created_at"]},
        "sort_direction": {"type": "string", "enum": ["asc", "desc"]},
    },
}


class ModelRoutes:
    """Responds to the requests about models and their versions.

    API: https://replicate.com/docs/reference/http#models.get

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._catalog = context.catalog
        self._examples = Examples(context.jobs)

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        model = "/v1/models/<owner>/<name>"
        version = f"{model}/versions/<id>"
        return [
            Route("GET", "/v1/models", "models", self.all),
            Route("POST", "/v1/models", "new-model", self.create),
            Route("GET", model, "model", self.show),
            Route("PATCH", model, "change-model", self.update),
            Route("DELETE", model, "delete-model", self.delete),
            Route("GET", f"{model}/readme", "readme", self.readme),
            Route("GET", f"{model}/examples", "examples", self.examples),
            Route("GET", f"{model}/versions", "versions", self.versions),
            Route("GET", version, "version", self.version),
            Route("DELETE", version, "delete-version", self.delete_version),
        ]

    def all(self) -> PlainResponse:
        """List the public models, 25 to a page.

        Without an order in the query the model with the latest version is the first.
        """
        create_requests.raise_if_invalid(validate(request.args.to_dict(), _SORTING))
        by_model = request.args.get("sort_by") == "model_created_at"
        ascending = request.args.get("sort_direction") == "asc"

        def timestamp(entry: Entry) -> datetime:
            if by_model:
                return entry.created_at
            return entry.updated_at

        entries = sorted(self._catalog.public(), key=timestamp, reverse=not ascending)
        listing = Listing(entries, timestamp, serialize_model, _PAGE_SIZE, ascending)
        return json_response(current_page(listing))

    def create(self) -> PlainResponse:
        """Create a model that has no version yet."""
        body = create_requests.parse_object(request.get_data(), _CREATE)
        description = (
            "Must be letters, digits, dots, dashes and underscores, "
            "and begin with a letter or a digit"
        )
        invalid = [
            Problem("pattern", key, description)
            for key in ("owner", "name")
            if not create_requests.is_name(body[key])
        ]
        create_requests.raise_if_invalid(invalid)
        owner = body.pop("owner")
        name = body.pop("name")
        if not self._catalog.create(f"{owner}/{name}", body):
            raise APIError(409, f"A model with the name {owner}/{name} already exists")
        return json_response(serialize_model(self._entry(owner, name)), 201)

    def show(self, owner: str, name: str) -> PlainResponse:
        """Show a model."""
        return json_response(serialize_model(self._entry(owner, name)))

    def update(self, owner: str, name: str) -> PlainResponse:
        """Change what is known about a model."""
        entry = self._entry(owner, name)
        body = create_requests.parse_object(request.get_data(), _UPDATE)
        about = {key: body[key] for key in _UPDATE["properties"] if key in body}
        self._catalog.update(entry.name, about)
        return json_response(serialize_model(self._entry(owner, name)))

    def delete(self, owner: str, name: str) -> Response:
        """Delete a private model that has no version."""
        entry = self._entry(owner, name)
        if entry.visibility != "private":
            raise APIError(403, "You can only delete private models")
        if entry.versions:
            detail = "You can only delete models that have no versions associated with them"
            raise APIError(403, detail)
        self._catalog.delete(entry.name)
        return empty_response(204)

    def readme(self, owner: str, name: str) -> Response:
        """Send a model's README."""
        text = self._entry(owner, name).about.get("readme")
        if not text:
            raise problems.not_found()
        return Response(str(text), content_type="text/plain; charset=utf-8")

    def examples(self, owner: str, name: str) -> PlainResponse:
        """List the examples of a model; some of those that the package brings have any."""
        model = self._context.models.get(self._entry(owner, name).name)
        jobs: list[Job] = []
        if model is not None:
            jobs = self._examples.get(model, request_origin())
        return json_response(unpaged([serialize_job(job) for job in jobs]))

    def versions(self, owner: str, name: str) -> PlainResponse:
        """List the versions of a model, newest first."""
        versions = self._entry(owner, name).versions
        return json_response(unpaged([serialize_version(version) for version in versions]))

    def version(self, owner: str, name: str, id: str) -> PlainResponse:
        """Show a version of a model."""
        version = self._entry(owner, name).version(id)
        if version is None:
            raise problems.not_found()
        return json_response(serialize_version(version))

    def delete_version(self, owner: str, name: str, id: str) -> Response:
        """Delete a version of a private model, with its predictions."""
        entry = self._entry(owner, name)
        if entry.version(id) is None:
            raise problems.not_found()
        if entry.visibility != "private":
            raise APIError(403, "You can only delete versions from private models")
        if any(deployment.version == id for deployment in self._context.deployments.all()):
            detail = "You cannot delete a version if it has an associated deployment"
            raise APIError(403, detail)
        self._catalog.delete_version(entry.name, id)
        self._context.jobs.delete_version(id)
        return empty_response(202)

    def _entry(self, owner: str, name: str) -> Entry:
        entry = self._catalog.get(f"{owner}/{name}")
        if entry is None:
            raise problems.not_found()
        return entry
