"""The HTTP API, route by route."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request, send_file
from werkzeug.exceptions import HTTPException

from . import bodies, creation, headers, pages, problems, streams, times
from .answers import answer, problem
from .homepage import Homepage, Route
from .jobs import SUCCEEDED, Job
from .models import Model
from .problems import Refusal

if TYPE_CHECKING:
    from .local import LocalServer

_LEFT = {"create": "599", "look": "59999"}  # of the requests allowed; any other kind has 2999
_HARDWARE = [{"sku": "cpu", "name": "CPU"}, {"sku": "gpu-t4", "name": "Nvidia T4 GPU"}]


class API:
    """Answers requests for one server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.jobs = server.jobs
        self.models = server.models

    def application(self) -> Flask:
        """Give the WSGI application."""
        app = Flask("replicate", static_folder=None)
        app.before_request(self.authenticate)
        app.after_request(_meter)
        app.register_error_handler(Refusal, problem)
        app.register_error_handler(HTTPException, _refuse)
        model = "/v1/models/<owner>/<name>"
        prediction = "/v1/predictions/<id>"
        routes: list[Route] = [
            ("POST", "/v1/predictions", "create", self.create),
            ("POST", f"{model}/predictions", "create", self.create_of_model),
            ("GET", "/v1/predictions", "list", self.predictions),
            ("GET", prediction, "look", self.prediction),
            ("POST", f"{prediction}/cancel", "cancel", self.cancel),
            ("GET", "/v1/models", "models", self.list_models),
            ("GET", model, "model", self.model),
            ("GET", f"{model}/versions", "versions", self.versions),
            ("GET", f"{model}/versions/<id>", "version", self.version),
            ("GET", "/v1/account", "account", _account),
            ("GET", "/v1/hardware", "hardware", _hardware),
            ("GET", "/v1/streams/<capability>", "stream", self.stream),
            ("GET", "/outputs/<prediction>/<name>", "output", self.output),
            ("GET", "/p/<id>", "page", self.page),
            *Homepage(self.jobs, self.models).routes(),
        ]
        for method, path, kind, view in routes:
            app.add_url_rule(path, kind + path, view, methods=[method])
        return app

    def authenticate(self) -> None:
        """Refuse a request for the API without the server's token; streams need none, only their URL."""
        if not request.path.startswith("/v1/") or request.path.startswith("/v1/streams/"):
            return
        given = request.headers.get("Authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            raise Refusal(401, "You did not pass an authentication token", "Unauthenticated")
        if scheme.lower() not in ("bearer", "token") or token.strip() != self.server.token:
            raise Refusal(401, "You did not pass a valid authentication token", "Unauthenticated")

    def create(self) -> Response:
        """Create a prediction of a version, or of an official model."""
        body = creation.read(request.get_data(), versioned=True)
        return self._create(*creation.model_of(body["version"], self.models), body)

    def create_of_model(self, owner: str, name: str) -> Response:
        """Create a prediction of an official model."""
        model = self._model(owner, name)
        if not model.official:
            raise problems.not_found()
        return self._create(model, creation.HIDDEN, creation.read(request.get_data(), versioned=False))

    def _create(self, model: Model, version: str, body: dict[str, Any]) -> Response:
        creation.check_input(model, body["input"])
        options = creation.options(body, request.headers.get("Cancel-After"))
        job = self.jobs.create(model, version, body["input"], _origin(), **options)
        wait = headers.wait(request.headers.get("Prefer"))
        if wait is None:
            response = answer(bodies.edge(job), 201)
            job.start()
            return response
        job.start()
        job.wait(wait.seconds, self.server.stopped)
        early = job.status == SUCCEEDED and self.server.sync_status != SUCCEEDED
        response = answer(bodies.edge(job, processing=early), 201)
        response.headers["Preference-Applied"] = wait.applied
        return response

    def predictions(self) -> Response:
        """List predictions, newest first, 100 to a page."""
        after, before = (_moment(name) for name in ("created_after", "created_before"))
        found = [
            job
            for job in self.jobs.all()
            if (not after or job.created >= after)
            and (not before or job.created < before)
            and request.args.get("source", job.source) == job.source
        ]
        query = request.args.to_dict()
        return answer(pages.page(found, lambda job: job.created, bodies.prediction, 100, request.base_url, query))

    def prediction(self, id: str) -> Response:
        """Show a prediction."""
        return answer(bodies.prediction(self._job(id)))

    def cancel(self, id: str) -> Response:
        """Cancel a prediction; one that is over is shown as it is."""
        job = self._job(id)
        job.cancel()
        return answer(bodies.prediction(job))

    def list_models(self) -> Response:
        """List models, newest first, 25 to a page."""
        query = request.args.to_dict()
        found = self.models.all()
        return answer(pages.page(found, lambda model: model.created_at, bodies.model, 25, request.base_url, query))

    def model(self, owner: str, name: str) -> Response:
        """Show a model."""
        return answer(bodies.model(self._model(owner, name)))

    def versions(self, owner: str, name: str) -> Response:
        """List the one version of a model."""
        found = [bodies.version(self._model(owner, name))]
        return answer({"next": None, "previous": None, "results": found})

    def version(self, owner: str, name: str, id: str) -> Response:
        """Show the version of a model."""
        model = self._model(owner, name)
        if model.version != id:
            raise problems.not_found()
        return answer(bodies.version(model))

    def stream(self, capability: str) -> Response:
        """Send the events of a prediction as they come."""
        job = self.jobs.of_stream(capability)
        if job is None or not job.model.streams:
            raise problems.not_found()
        last = request.headers.get("Last-Event-ID") or request.args.get("last_event_id")
        client = request.environ.get("werkzeug.socket")
        events = streams.follow(job, last, self.server.idle_timeout, self.server.stopped, client)
        kept = {"Cache-Control": "no-cache"}
        return Response(events, headers=kept, content_type="text/event-stream; charset=utf-8")

    def output(self, prediction: str, name: str) -> Response:
        """Send a file that a model made, or a range of it."""
        kept = self.jobs.files.get(prediction, name)
        if kept is None:
            raise problems.not_found()
        response = send_file(io.BytesIO(kept.data), kept.type, download_name=name, conditional=True, max_age=3600)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def page(self, id: str) -> Response:
        """Show a prediction to a person."""
        job = self._job(id)
        lines = (f"{job.model.name}: {job.status}", f"input: {job.input}", f"output: {job.output}", job.logs)
        return Response(f"<!doctype html><title>{job.id}</title><pre>{html.escape(chr(10).join(lines))}</pre>")

    def _job(self, id: str) -> Job:
        job = self.jobs.get(id)
        if job is None:
            raise problems.not_found()
        return job

    def _model(self, owner: str, name: str) -> Model:
        model = self.models.get(f"{owner}/{name}")
        if model is None:
            raise problems.not_found()
        return model


def _account() -> Response:
    names = {"username": "local", "name": "Local"}
    return answer({"type": "user", **names, "github_url": None, "avatar_url": None})


def _hardware() -> Response:
    return answer(_HARDWARE)


def _origin() -> str:
    return request.host_url.rstrip("/")


def _moment(name: str) -> Any:
    text = request.args.get(name)
    try:
        return times.read(text) if text else None
    except ValueError as error:
        raise Refusal(400, f"{name}: {error}") from None


def _refuse(error: HTTPException) -> Response:
    if error.code == 404:
        return problem(problems.not_found())
    code = error.code or 500
    return problem(Refusal(code, "Internal server error" if code == 500 else error.name))


def _meter(response: Response) -> Response:
    kind = (request.endpoint or "").partition("/")[0]
    if request.path.startswith("/v1/") and kind != "stream" and response.status_code != 401:
        response.headers["ratelimit-remaining"] = _LEFT.get(kind, "2999")
        response.headers["ratelimit-reset"] = "1"
        response.headers["replicate-edge-cluster"] = "local"
        response.headers["replicate-target-cluster"] = "local"
    return response
