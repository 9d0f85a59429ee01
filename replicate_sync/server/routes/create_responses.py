"""From a valid create request to a running job, and the response that shows it."""

from __future__ import annotations

from ..job import STARTING, SUCCEEDED, Job
from ..job_spec import JobSpec
from ..json_types import JSONObject
from ..models import Model
from ..webhooks import WebhookSender
from . import create_requests, request_headers
from .context import ServerContext, request_origin
from .current_request import request
from .json_responses import json_response, serialize_json
from .plain_response import PlainResponse
from .serializers import serialize_edge_job, serialize_stored_job


def create_prediction(
    context: ServerContext,
    model: Model,
    version: str,
    body: JSONObject,
    deployment: str | None = None,
) -> PlainResponse:
    """Start the prediction that a body describes, and return the response that shows it.

    With the header `Prefer: wait` the response comes at the end of the prediction, or after the
    wait, else at once.

    Args:
        context: The server.
        model: The model to run.
        version: The version to show.
        body: A valid body.
        deployment: The deployment to show, or None.

    Raises:
        APIError: The model does not allow the input, or a header is invalid.
    """
    create_requests.validate_input(model, body["input"])
    echo = create_requests.webhook_options(body)
    if deployment is not None:
        echo = {"deployment": deployment} | echo
    headers = request.headers
    spec = JobSpec(
        model=model,
        version=version,
        input=body["input"],
        origin=request_origin(),
        lifetime=request_headers.parse_cancel_after(headers.get("Cancel-After")),
        echo=echo,
    )
    wait = request_headers.parse_prefer(headers.get("Prefer"))
    job = context.jobs.create(spec)
    if wait is None:
        response = json_response(serialize_edge_job(job), 201)
        start_job(job, context)
        return response
    start_job(job, context)
    job.wait(wait.seconds, context.stopped)
    files = context.jobs.files if context.inline_files else None
    shown = serialize_edge_job(job, _response_status(job, context), files)
    response = json_response(shown, 201)
    response.headers.append(("Preference-Applied", wait.applied))
    return response


def start_job(job: Job, context: ServerContext) -> None:
    """Start a prediction or a training, and before it what sends its webhook."""
    if "webhook" in job.spec.echo:
        sender = WebhookSender(
            job,
            _webhook_body,
            lambda: context.webhook_secret,
            context.stopped,
            context.webhook_timing,
            context.webhook_log,
        )
        sender.start()
    job.start()


def _response_status(job: Job, context: ServerContext) -> str | None:
    """Return the status that the response to a wait shows, or None for the one that the job has.

    A prediction that is not over is shown as starting: clients take any other status for the end.
    """
    if not job.over:
        return STARTING
    if job.status == SUCCEEDED and context.sync_status != SUCCEEDED:
        return context.sync_status
    return None


def _webhook_body(job: Job, processing: bool) -> bytes:
    return serialize_json(serialize_stored_job(job, processing))
