"""From a validated create request to a running job, and the response that shows it."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ..jobs import STARTING, SUCCEEDED, Job
from ..models import Model
from ..webhooks import Courier
from . import create_requests, request_headers, serializers
from .context import ServerContext, request_origin
from .json_responses import answer, encode


def start_prediction(context: ServerContext, model: Model, version: str, body: dict[str, Any], **more: str) -> Response:
    """Start the prediction that a body asks for, and answer at once or after the wait that a header asks for.

    `more` are further keys of the prediction's JSON.
    """
    create_requests.check_input(model, body["input"])
    options = create_requests.options(body, request.headers.get("Cancel-After"), **more)
    job = context.jobs.create(model, version, body["input"], request_origin(), **options)
    wait = request_headers.wait(request.headers.get("Prefer"))
    if wait is None:
        response = answer(serializers.edge(job), 201)
        launch(job, context)
        return response
    launch(job, context)
    job.wait(wait.seconds, context.stopped)
    inline = context.jobs.files if context.inline_files else None
    response = answer(serializers.edge(job, _shown_status(job, context), inline), 201)
    response.headers["Preference-Applied"] = wait.applied
    return response


def _shown_status(job: Job, context: ServerContext) -> str | None:
    """Give the status in which the answer to a wait shows a prediction, where it is not the one it has.

    One that is not over has not started: clients take any other status for the end.
    """
    if job.status == SUCCEEDED:
        return context.sync_status if context.sync_status != SUCCEEDED else None
    return None if job.over else STARTING


def launch(job: Job, context: ServerContext) -> None:
    """Start a prediction or a training, and whoever tells its webhook of it."""
    if "webhook" in job.echo:
        Courier(job, _webhook_body, lambda: context.webhook_secret, context.stopped).start()
    job.start()


def _webhook_body(job: Job, processing: bool) -> bytes:
    return encode(serializers.database(job, processing))
