"""The HTTP API as a WSGI application: all routes, and what is the same for each of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from .routes import problems
from .routes.access import SESSION_COOKIE, Sender, check_access
from .routes.account_routes import AccountRoutes
from .routes.collection_routes import CollectionRoutes
from .routes.context import Route, ServerContext
from .routes.deployment_routes import DeploymentRoutes
from .routes.file_routes import FileRoutes
from .routes.homepage_routes import HomepageRoutes
from .routes.json_responses import problem_response
from .routes.model_routes import ModelRoutes
from .routes.multipart_request import OVERHEAD, MultipartRequest
from .routes.prediction_routes import PredictionRoutes
from .routes.problems import APIError
from .routes.search_routes import SearchRoutes
from .routes.training_routes import TrainingRoutes
from .web.context import WebContext
from .web.pages import error_page, is_page_path, page_routes

_GROUPS = (
    PredictionRoutes,
    ModelRoutes,
    TrainingRoutes,
    DeploymentRoutes,
    FileRoutes,
    CollectionRoutes,
    SearchRoutes,
    AccountRoutes,
    HomepageRoutes,
)
_REMAINING = {"create": "599", "show": "59999"}
_REMAINING_OTHERWISE = "2999"


class _Rule(Rule):
    """A rule of which no URL is ever built; to compile how takes most of the time of a start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _refuse_to_build


def _refuse_to_build(*args: object) -> NoReturn:
    raise NotImplementedError("the local server writes its URLs itself, and builds none by rules")


class _App(Flask):
    url_rule_class = _Rule

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none here is asynchronous, which takes a while to find."""
        return func


def create_app(context: WebContext) -> Flask:
    """Return the WSGI application of a server.

    Args:
        context: The server, whose settings are read for each request.
    """
    app = _App("replicate", static_folder=None)
    app.request_class = MultipartRequest
    app.config["MAX_CONTENT_LENGTH"] = context.file_limit + OVERHEAD
    app.before_request(lambda: _check_access(context))
    app.before_request(context.respond_instead)
    app.after_request(_add_rate_limit_headers)
    app.register_error_handler(APIError, _problem_response)
    app.register_error_handler(HTTPException, _http_error_response)
    views = {}
    rules = []
    for route in [*all_routes(context), *page_routes(context)]:
        endpoint = f"{route.kind}{route.path} {route.method}"
        views[endpoint] = route.view
        rules.append((route.method, route.path, endpoint))
    app.url_map = _compile_rules(tuple(rules))
    app.view_functions.update(views)
    return app


def all_routes(context: ServerContext) -> list[Route]:
    """Return every route of the API."""
    return [route for group in _GROUPS for route in group(context).routes()]


@functools.cache
def _compile_rules(rules: tuple[tuple[str, str, str], ...]) -> Map:
    """Return the URL map of rules, compiled once for all servers.

    Compiling takes most of the time in which a server is made.

    Args:
        rules: Method, path and endpoint of each.
    """
    app = _App("replicate", static_folder=None)
    for method, path, endpoint in rules:
        app.add_url_rule(path, endpoint, methods=[method])
    return app.url_map


def _check_access(context: ServerContext) -> None:
    environ = request.environ
    sender = Sender(
        method=request.method,
        path=request.path,
        host=environ.get("HTTP_HOST", ""),
        origin=environ.get("HTTP_ORIGIN", ""),
        site=environ.get("HTTP_SEC_FETCH_SITE", ""),
        media_type=environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower(),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        session=request.cookies.get(SESSION_COOKIE, "") if "HTTP_COOKIE" in environ else "",
    )
    check_access(sender, context.host, context.token, context.allowed_hosts, context.is_recording)


def _problem_response(error: APIError) -> Response:
    if is_page_path(request.path) and request.accept_mimetypes.best == "text/html":
        return error_page(error)
    return problem_response(error)


def _http_error_response(error: HTTPException) -> Response:
    code = error.code or 500
    if code == 404:
        return _problem_response(problems.not_found())
    if code == 500:
        return problem_response(APIError(500, "Internal server error"))
    response = problem_response(APIError(code, error.name))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _add_rate_limit_headers(response: Response) -> Response:
    kind = (request.endpoint or "").partition("/")[0]
    if request.path.startswith("/v1/") and kind != "stream" and response.status_code != 401:
        response.headers["ratelimit-remaining"] = _REMAINING.get(kind, _REMAINING_OTHERWISE)
        response.headers["ratelimit-reset"] = "1"
        response.headers["replicate-edge-cluster"] = "local"
        response.headers["replicate-target-cluster"] = "local"
    return response
