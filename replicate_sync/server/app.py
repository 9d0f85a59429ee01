"""The HTTP API: its routes, and what is the same for all of them."""

from __future__ import annotations

import re

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from .routes import problems
from .routes.account_routes import AccountRoutes
from .routes.context import Route, ServerContext
from .routes.deployment_routes import DeploymentRoutes
from .routes.file_routes import Bounded, FileRoutes
from .routes.hardware_routes import HardwareRoutes
from .routes.homepage_routes import HomepageRoutes
from .routes.json_responses import problem
from .routes.model_routes import ModelRoutes
from .routes.prediction_routes import PredictionRoutes
from .routes.problems import Refusal
from .routes.search_routes import SearchRoutes
from .routes.training_routes import TrainingRoutes

_LEFT = {"create": "599", "look": "59999"}  # of the requests allowed; any other kind has 2999
# These need no token: a stream and a download have a secret in their URL, and anyone may search.
_OPEN = re.compile(r"/v1/(streams/.*|search|files/[^/]+/download)")


_GROUPS = (
    PredictionRoutes,
    ModelRoutes,
    TrainingRoutes,
    DeploymentRoutes,
    FileRoutes,
    SearchRoutes,
    AccountRoutes,
    HardwareRoutes,
    HomepageRoutes,
)


class API:
    """Answers requests for one server."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context

    def application(self) -> Flask:
        """Give the WSGI application."""
        app = Flask("replicate", static_folder=None)
        app.request_class = Bounded
        app.before_request(self.authenticate)
        app.after_request(_meter)
        app.register_error_handler(Refusal, problem)
        app.register_error_handler(HTTPException, _refuse)
        for method, path, kind, view in self.routes():
            app.add_url_rule(path, kind + path, view, methods=[method])
        return app

    def routes(self) -> list[Route]:
        """Return every route of the API."""
        return [route for group in _GROUPS for route in group(self.context).routes()]

    def authenticate(self) -> None:
        """Refuse a request for the API without the server's token; a few need none."""
        if not request.path.startswith("/v1/") or _OPEN.fullmatch(request.path):
            return
        given = request.headers.get("Authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            raise Refusal(401, "You did not pass an authentication token", "Unauthenticated")
        if scheme.lower() not in ("bearer", "token") or token.strip() != self.context.token:
            raise Refusal(401, "You did not pass a valid authentication token", "Unauthenticated")


def _refuse(error: HTTPException) -> Response:
    if error.code == 404:
        return problem(problems.not_found())
    code = error.code or 500
    response = problem(Refusal(code, "Internal server error" if code == 500 else error.name))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _meter(response: Response) -> Response:
    kind = (request.endpoint or "").partition("/")[0]
    if request.path.startswith("/v1/") and kind != "stream" and response.status_code != 401:
        response.headers["ratelimit-remaining"] = _LEFT.get(kind, "2999")
        response.headers["ratelimit-reset"] = "1"
        response.headers["replicate-edge-cluster"] = "local"
        response.headers["replicate-target-cluster"] = "local"
    return response
