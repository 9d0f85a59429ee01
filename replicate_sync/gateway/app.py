"""The gateway as a WSGI application: all routes, and what is the same for each of them."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ..client import Replicate
from ..exceptions import ReplicateError
from .access import check_access, cors_headers
from .chat_completions import ChatCompletions
from .embeddings import Embeddings
from .errors import GatewayError, error_response, to_gateway_error
from .images import Images
from .models import GatewayModels
from .settings import GatewaySettings
from .transcriptions import Transcriptions
from .work import OPEN_WORK, ClientLeft, OpenWork

_MAX_BODY = 128 * 2**20  # bytes
_CLIENT_CLOSED_REQUEST = 499


def create_app(client: Replicate, settings: GatewaySettings) -> Flask:
    """Return the WSGI application of a gateway.

    Args:
        client: Runs the models.
        settings: The gateway's settings.
    """
    app = Flask("replicate-gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[OPEN_WORK] = OpenWork()
    models = GatewayModels(client, settings)

    @app.before_request
    def check() -> Response | None:
        headers = request.headers
        if request.method == "OPTIONS" and cors_headers(settings, dict(headers)):
            return Response(status=204)  # what a browser asks beforehand has no key with it
        check_access(
            settings,
            headers.get("Host", ""),
            headers.get("Origin", ""),
            headers.get("Authorization", ""),
        )
        return None

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers.update(cors_headers(settings, dict(request.headers)))
        return response

    app.add_url_rule("/v1/models", "models", models.list_all)
    app.add_url_rule("/v1/models/<path:name>", "model", models.get)
    for path, create in (
        ("chat/completions", ChatCompletions(client, models).create),
        ("images/generations", Images(client, models).create),
        ("embeddings", Embeddings(client, models).create),
        ("audio/transcriptions", Transcriptions(client, models).create),
    ):
        app.add_url_rule(f"/v1/{path}", path, create, methods=["POST"])
    app.register_error_handler(GatewayError, error_response)
    app.register_error_handler(ReplicateError, _failed)
    app.register_error_handler(ClientLeft, lambda error: Response(status=_CLIENT_CLOSED_REQUEST))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _failed(error: ReplicateError) -> Response:
    return error_response(to_gateway_error(error))


def _http_error(error: HTTPException) -> Response:
    if error.code == 404:
        message = f"There is no {request.method} {request.path} here."
    else:
        message = str(error.description or error.name)
    kind = "server_error" if (error.code or 500) >= 500 else "invalid_request_error"
    return error_response(GatewayError(error.code or 500, message, kind))
