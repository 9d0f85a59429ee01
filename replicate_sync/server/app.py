"""The HTTP API: its routes, and what is the same for all of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from . import problems
from .account import ACCOUNT
from .answers import answer, problem
from .deployment_routes import Deployed
from .discovery import Discovery
from .file_routes import Bounded, Files
from .hardware import HARDWARE
from .homepage import Homepage, Route
from .model_routes import Models
from .prediction_routes import Predictions
from .problems import Refusal
from .training_routes import Trainings

if TYPE_CHECKING:
    from .local import LocalServer

_LEFT = {"create": "599", "look": "59999"}  # of the requests allowed; any other kind has 2999
# These need no token: a stream and a download have a secret in their URL, and anyone may search.
_OPEN = re.compile(r"/v1/(streams/.*|search|files/[^/]+/download)")


class API:
    """Answers requests for one server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server

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
        """Give method, path, kind and view of each route."""
        server, predictions = self.server, Predictions(self.server)
        return [
            *predictions.routes(),
            *Models(server).routes(),
            *Trainings(server).routes(),
            *Deployed(server, predictions).routes(),
            *Files(server).routes(),
            *Discovery(server).routes(),
            ("GET", "/v1/account", "account", _account),
            ("GET", "/v1/hardware", "hardware", _hardware),
            ("GET", "/v1/webhooks/default/secret", "secret", self.secret),
            *Homepage(server.jobs, server.models).routes(),
        ]

    def authenticate(self) -> None:
        """Refuse a request for the API without the server's token; a few need none."""
        if not request.path.startswith("/v1/") or _OPEN.fullmatch(request.path):
            return
        given = request.headers.get("Authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            raise Refusal(401, "You did not pass an authentication token", "Unauthenticated")
        if scheme.lower() not in ("bearer", "token") or token.strip() != self.server.token:
            raise Refusal(401, "You did not pass a valid authentication token", "Unauthenticated")

    def secret(self) -> Response:
        """Show what webhooks are signed with."""
        return answer({"key": self.server.webhook_secret})


def _account() -> Response:
    return answer(ACCOUNT)


def _hardware() -> Response:
    return answer(HARDWARE)


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
