"""The HTTP API as a WSGI application: all routes, and what is the same for each of them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, MapAdapter, RequestRedirect, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from .routes import problems
from .routes.access import SESSION_COOKIE, Sender, check_access
from .routes.account_routes import AccountRoutes
from .routes.collection_routes import CollectionRoutes
from .routes.context import Route, ServerContext
from .routes.current_request import current_request, request
from .routes.deployment_routes import DeploymentRoutes
from .routes.file_routes import FileRoutes
from .routes.homepage_routes import HomepageRoutes
from .routes.json_responses import empty_response, problem_response
from .routes.model_routes import ModelRoutes
from .routes.multipart_request import OVERHEAD, MultipartRequest
from .routes.plain_response import AnyResponse
from .routes.prediction_routes import PredictionRoutes
from .routes.problems import APIError
from .routes.search_routes import SearchRoutes
from .routes.training_routes import TrainingRoutes
from .web.page_paths import is_page_path

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from .web.context import WebContext

_logger = logging.getLogger("replicate_sync.server")
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


class App:
    """The WSGI application of a server.

    Args:
        context: The server, whose settings are read for each request.
    """

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._max_body = context.file_limit + OVERHEAD
        self._api = _make_table(all_routes(context))
        self._pages: _Table | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to a request."""
        # It is not put into its environment, as only a garbage collection would end such a circle.
        current = MultipartRequest(environ, populate_request=False)
        current.max_content_length = self._max_body
        token = current_request.set(current)
        try:
            with current:
                return self._respond(current)(environ, start_response)
        finally:
            current_request.reset(token)

    def _respond(self, current: MultipartRequest) -> AnyResponse:
        kind, view = self._find_view(current)
        try:
            _check_access(current, self._context)
            recorded = self._context.respond_instead()
            if recorded is not None:
                return recorded
            response = view()
        except APIError as error:
            response = _problem_response(error)
        except HTTPException as error:
            response = _http_error_response(error)
        except Exception:
            _logger.exception("Exception on %s %s", current.method, current.path)
            response = problem_response(APIError(500, "Internal server error"))
        if current.path.startswith("/v1/") and kind != "stream" and response.status_code != 401:
            response.headers.extend(_edge_headers(kind))
        return response

    def _find_view(self, current: MultipartRequest) -> tuple[str, Callable[[], AnyResponse]]:
        """Return the kind of a request's route, "" where there is none, and what responds to it."""
        table = self._table_of(current.path)
        try:
            endpoint, arguments = _match(table.rules, current.path, current.method)
        except HTTPException as error:
            return "", functools.partial(_http_error_response, error)
        route = table.routes[endpoint]
        if current.method == "OPTIONS":
            methods = table.rules.allowed_methods(current.path)
            return route.kind, functools.partial(_options_response, methods)
        return route.kind, functools.partial(route.view, **arguments)

    def _table_of(self, path: str) -> _Table:
        if not is_page_path(path):
            return self._api
        if self._pages is None:
            from .web.pages import page_routes  # late, as few servers are opened in a browser

            self._pages = _make_table(page_routes(self._context))
        return self._pages


class _Table(NamedTuple):
    """Routes by their endpoints, and the rules by which the endpoint of a request is found."""

    routes: dict[str, Route]
    rules: MapAdapter


def _make_table(routes: list[Route]) -> _Table:
    by_endpoint = {f"{route.kind}{route.path} {route.method}": route for route in routes}
    rules = [(route.method, route.path, endpoint) for endpoint, route in by_endpoint.items()]
    return _Table(by_endpoint, _compile_rules(tuple(rules)))


def all_routes(context: ServerContext) -> list[Route]:
    """Return every route of the API."""
    return [route for group in _GROUPS for route in group(context).routes()]


@functools.cache
def _compile_rules(rules: tuple[tuple[str, str, str], ...]) -> MapAdapter:
    """Return what finds the rule of a path, compiled once for all servers.

    Compiling takes most of the time in which a server is made.

    Args:
        rules: Method, path and endpoint of each.
    """
    url_map = Map(
        [
            _Rule(path, methods=[method, "OPTIONS"], endpoint=endpoint)
            for method, path, endpoint in rules
        ]
    )
    return url_map.bind("")


@functools.lru_cache(maxsize=128)
def _match(rules: MapAdapter, path: str, method: str) -> tuple[str, Mapping[str, str]]:
    """Return the endpoint of a request, and the parameters in its path.

    Clients send many requests to the same path, and finding its rule takes a while.

    Raises:
        HTTPException: There is none.
    """
    endpoint, arguments = rules.match(path, method)
    return endpoint, arguments


def _check_access(current: MultipartRequest, context: WebContext) -> None:
    environ = current.environ
    sender = Sender(
        method=current.method,
        path=current.path,
        host=environ.get("HTTP_HOST", ""),
        origin=environ.get("HTTP_ORIGIN", ""),
        site=environ.get("HTTP_SEC_FETCH_SITE", ""),
        mode=environ.get("HTTP_SEC_FETCH_MODE", ""),
        media_type=environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower(),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        session=current.cookies.get(SESSION_COOKIE, "") if "HTTP_COOKIE" in environ else "",
    )
    check_access(sender, context.host, context.token, context.allowed_hosts, context.is_recording)


def _problem_response(error: APIError) -> AnyResponse:
    if is_page_path(request.path) and request.accept_mimetypes.best == "text/html":
        from .web.pages import error_page

        return error_page(error)
    return problem_response(error)


def _http_error_response(error: HTTPException) -> AnyResponse:
    code = error.code or 500
    if isinstance(error, RequestRedirect):  # there were slashes too many
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        return redirect(urlsplit(error.new_url).path + query, code)
    if code == 404:
        return _problem_response(problems.not_found())
    response = problem_response(APIError(code, error.name))
    if isinstance(error, MethodNotAllowed):
        response.headers.append(("Allow", _allow(error.valid_methods or ())))
    return response


def _options_response(methods: Iterable[str]) -> Response:
    response = empty_response(200)
    response.headers["Allow"] = _allow(methods)
    return response


def _allow(methods: Iterable[str]) -> str:
    return ", ".join(sorted(methods))


def _edge_headers(kind: str) -> list[tuple[str, str]]:
    return [
        ("ratelimit-remaining", _REMAINING.get(kind, _REMAINING_OTHERWISE)),
        ("ratelimit-reset", "1"),
        ("replicate-edge-cluster", "local"),
        ("replicate-target-cluster", "local"),
    ]
