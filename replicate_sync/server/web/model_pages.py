"""The pages of models: all of them, and each with a form that runs it."""

from __future__ import annotations

from typing import NamedTuple

from werkzeug.wrappers import Response

from ..catalog import Entry
from ..job import Job
from ..job_spec import JobSpec
from ..json_types import JSONObject
from ..models import Model, builtin
from ..routes import problems
from ..routes.context import Route, RouteGroup, request_origin
from ..routes.create_responses import start_job
from ..routes.current_request import request
from ..routes.json_responses import json_response
from ..routes.plain_response import AnyResponse, PlainResponse
from ..validation import Problem, validate
from .context import WebContext
from .forms import Field, SentFile, form_fields, parse_form
from .output_views import summarize
from .prediction_pages import panel
from .rendering import page, see_other
from .snippets import write_snippets


class ModelCard(NamedTuple):
    """A model in the list.

    Attributes:
        name: `owner/name`.
        description: What it does, "" where nobody says.
        output: What it makes: "text", "image", "file", "streams" ...
        own: Whether it is not one of those that the package brings.
        runs: Whether it has a version that can be run.
    """

    name: str
    description: str
    output: str
    own: bool
    runs: bool


class ModelPages(RouteGroup[WebContext]):
    """Responds to the requests for the pages of models."""

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/", "web-models", self.all),
            Route("GET", "/m/<owner>/<name>", "web-model", self.show),
            Route("POST", "/m/<owner>/<name>", "web-run", self.run),
            Route("POST", "/m/<owner>/<name>/code", "web-code", self.code),
        ]

    def all(self) -> Response:
        """Show every model, this server's own first."""
        cards = [_card(entry) for entry in self._context.catalog.all()]
        return page(
            "models.html",
            own=[card for card in cards if card.own],
            standins=[card for card in cards if not card.own],
            url=self._context.url,
            token=self._displayed_token(),
        )

    def show(self, owner: str, name: str) -> Response:
        """Show a model with its form; `?from=` fills it in as a prediction was."""
        model = self._model(owner, name)
        values: JSONObject | None = None
        previous = self._context.jobs.get(request.args.get("from", ""))
        if previous is not None and previous.model.name == model.name:
            values = previous.redacted_input
        return self._page(model, form_fields(model.input, values), [])

    def run(self, owner: str, name: str) -> AnyResponse:
        """Run a model with what a form was filled in with."""
        model = self._model(owner, name)
        input, invalid = self._input(model, keep=True)
        wants_json = request.accept_mimetypes.best == "application/json"
        if invalid:
            if wants_json:
                body = [problem._asdict() for problem in invalid]
                return json_response({"problems": body}, 422)
            return self._page(model, form_fields(model.input, input), invalid, 422)
        job = self._start(model, input)
        if not wants_json:
            return see_other(f"/p/{job.id}")
        return json_response({"id": job.id, "html": panel(job)}, 201)

    def code(self, owner: str, name: str) -> PlainResponse:
        """Return the code that would run a model with what a form is filled in with."""
        model = self._model(owner, name)
        input, _ = self._input(model, keep=False)
        url = self._context.url
        snippets = write_snippets(model, model.redact(input), url, self._displayed_token())
        return json_response(snippets._asdict())

    def _page(
        self, model: Model, fields: list[Field], invalid: list[Problem], status: int = 200
    ) -> Response:
        snippets = write_snippets(
            model, _required_input(model), self._context.url, self._displayed_token()
        )
        return page(
            "model.html",
            status,
            model=model,
            streams=streams_text_of(model),
            fields=fields,
            problems={problem.field.removeprefix("input."): problem for problem in invalid},
            snippets=snippets,
            problem=model.problem(),
        )

    def _input(self, model: Model, keep: bool) -> tuple[JSONObject, list[Problem]]:
        request.limit_parts(self._context.file_limit)
        files = {
            name: [
                SentFile(file.read(), file.filename or "", file.content_type or "")
                for file in request.files.getlist(name)
                if file.filename
            ]
            for name in request.files
        }
        keep_file = self._keep if keep else _placeholder
        input, invalid = parse_form(form_fields(model.input), request.form, files, keep_file)
        wrong = {problem.field for problem in invalid}
        invalid += [
            problem
            for problem in validate(input, model.input, "input")
            if not (problem.type == "required" and _names(problem) in wrong)
        ]
        return input, [_with_field(problem) for problem in invalid]

    def _keep(self, file: SentFile) -> str:
        media_type = file.type or "application/octet-stream"
        upload = self._context.uploads.create(file.data, file.name, media_type, {})
        return f"{request_origin()}/v1/files/{upload.id}"

    def _start(self, model: Model, input: JSONObject) -> Job:
        spec = JobSpec(model, model.version, input, request_origin(), source="web")
        job = self._context.jobs.create(spec)
        start_job(job, self._context)
        return job

    def _model(self, owner: str, name: str) -> Model:
        entry = self._context.catalog.get(f"{owner}/{name}")
        if entry is None or not entry.versions:
            raise problems.not_found()
        return entry.versions[0]

    def _displayed_token(self) -> str:
        # Only the one that is in the documentation; any other is a secret.
        return "r8_local" if self._context.token == "r8_local" else "YOUR_TOKEN"


def streams_text_of(model: Model) -> bool:
    """Return whether a model streams text."""
    return model.streams and model.output.get("items", {}).get("format") != "uri"


def _card(entry: Entry) -> ModelCard:
    latest = entry.versions[0] if entry.versions else None
    return ModelCard(
        name=entry.name,
        description=entry.description,
        output=_output_kind(latest) if latest else "no version yet",
        own=latest is None or builtin.get_version(latest.version) is None,
        runs=latest is not None,
    )


def _output_kind(model: Model) -> str:
    if streams_text_of(model):
        return "streams text"
    output = model.output
    if "uri" in (output.get("format"), output.get("items", {}).get("format")):
        return "makes files"
    return {"string": "returns text"}.get(str(output.get("type")), "returns JSON")


def _required_input(model: Model) -> JSONObject:
    properties: JSONObject = model.input["properties"]
    return {
        name: properties.get(name, {}).get("default", "...")
        for name in model.input.get("required", ())
    }


def _placeholder(file: SentFile) -> str:
    return f"https://example.com/{summarize(file.name)}"


def _names(problem: Problem) -> str:
    return f"{problem.field}.{problem.description.partition(' ')[0]}"


def _with_field(problem: Problem) -> Problem:
    # That something is required is a problem of the object that lacks it.
    if problem.type == "required":
        return problem._replace(field=_names(problem), description="Must be filled in")
    return problem
