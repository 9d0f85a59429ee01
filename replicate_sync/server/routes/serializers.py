"""The JSON of predictions, trainings, models and the rest.

Replicate writes a prediction in two ways: its edge writes those that were just created or still
run, its database those that are over. The keys, their order and the digits of the timestamps
differ.
"""

from __future__ import annotations

import hashlib

from .. import timestamps
from ..catalog import Entry
from ..deployments import Deployment
from ..files import Files
from ..job import PROCESSING, STARTING, Job
from ..json_types import JSONObject
from ..local_account import ACCOUNT, USERNAME
from ..model_collections import Collection
from ..models import Model
from ..uploads import Upload
from .json_responses import sort_keys

_INLINE_LIMIT = 256 * 2**10  # bytes that a file may have to be inlined


def serialize_job(job: Job) -> JSONObject:
    """Return a prediction or training as a GET shows it."""
    with job.changed:
        if job.over or job.spec.training:
            return serialize_stored_job(job)
        return serialize_edge_job(job)


def serialize_edge_job(
    job: Job, status: str | None = None, files: Files | None = None
) -> JSONObject:
    """Return a prediction as the edge writes it.

    Args:
        job: The prediction.
        status: Another status than it has: with "processing" one that has succeeded is shown with
            all of its output, and not yet its end; with "starting" one that runs without output.
        files: Where its small files are looked up, to be inlined in the output.
    """
    with job.changed:
        output = job.output
        if status == STARTING:
            output = None
        elif files is not None:
            output = files.inline(output, job.id, _INLINE_LIMIT)
        body: JSONObject = {
            "id": job.id,
            "model": job.model.name,
            "version": job.spec.version,
            "input": sort_keys(job.redacted_input),
            "logs": "" if status else job.logs,
            "output": output,
            "data_removed": job.data_removed,
            "error": job.error,
            "source": job.spec.source,
            "status": status or job.status,
            "created_at": timestamps.serialize_trimmed(job.created_at),
        }
        if job.started_at and not status:
            body["started_at"] = timestamps.serialize_trimmed(job.started_at)
        if job.over and not status:
            body["completed_at"] = timestamps.serialize_trimmed(job.completed_at)
            body["metrics"] = dict(job.metrics)
    return body | _deadline(job) | job.spec.echo | {"urls": _urls(job, "predictions")}


def serialize_stored_job(job: Job, processing: bool = False) -> JSONObject:
    """Return a prediction or a training as the database writes it.

    Args:
        job: The prediction or training.
        processing: Show a finished one as it was before: with output and logs, without its end.
    """
    with job.changed:
        body = _stored_job(job)
        over = job.over and not processing
    if not over:
        body |= {"completed_at": None, "metrics": {}, "error": None}
    if processing:
        body["status"] = PROCESSING
    return body


def _stored_job(job: Job) -> JSONObject:
    logs: str | None = job.logs.removesuffix("\n")
    if not logs and job.error is None and job.output is None:
        logs = None
    kind = "trainings" if job.spec.training else "predictions"
    return {
        "completed_at": timestamps.serialize(job.completed_at),
        "created_at": timestamps.serialize(job.created_at),
        "data_removed": job.data_removed,
        **_deadline(job),
        "error": job.error,
        "id": job.id,
        "input": sort_keys(job.redacted_input),
        "logs": logs,
        "metrics": dict(job.metrics),
        "output": job.output,
        "source": job.spec.source,
        "started_at": timestamps.serialize(job.started_at),
        "status": job.status,
        "urls": _urls(job, kind),
        "model": job.model.name,
        "version": job.spec.version,
        **job.spec.echo,
        "webhook_completed": None,
    }


def serialize_model(entry: Entry) -> JSONObject:
    """Return a model, with its latest version."""
    owner, _, name = entry.name.partition("/")
    latest_version: JSONObject | None = None
    if entry.versions:
        latest_version = serialize_version(entry.versions[0])
    return {
        "url": f"https://replicate.com/{entry.name}",
        "owner": owner,
        "name": name,
        "description": entry.about.get("description"),
        "visibility": entry.visibility,
        "is_official": entry.official,
        "github_url": entry.about.get("github_url"),
        "paper_url": entry.about.get("paper_url"),
        "license_url": entry.about.get("license_url"),
        "run_count": 0,
        "cover_image_url": entry.about.get("cover_image_url"),
        "default_example": None,
        "latest_version": latest_version,
        "created_at": timestamps.serialize(entry.created_at),
    }


def serialize_version(model: Model) -> JSONObject:
    """Return a version of a model, with its OpenAPI document."""
    return {
        "id": model.version,
        "created_at": timestamps.serialize(model.created_at),
        "cog_version": "0.14.1",
        "openapi_schema": model.document,
    }


def serialize_deployment(deployment: Deployment) -> JSONObject:
    """Return a deployment, with its current release."""
    release = {
        "number": deployment.number,
        "model": deployment.model,
        "version": deployment.version,
        "created_at": timestamps.serialize(deployment.released_at),
        "created_by": ACCOUNT,
        "configuration": {
            "hardware": deployment.hardware,
            "min_instances": deployment.min_instances,
            "max_instances": deployment.max_instances,
        },
    }
    return {"owner": USERNAME, "name": deployment.name, "current_release": release}


def serialize_collection(collection: Collection) -> JSONObject:
    """Return a collection as a list of them has it, without its models."""
    return {
        "name": collection.name,
        "slug": collection.slug,
        "description": collection.description,
    }


def serialize_upload(upload: Upload, origin: str) -> JSONObject:
    """Return what is known about an uploaded file.

    Args:
        upload: The file.
        origin: Scheme, host and port of the server as the client knows them.
    """
    data = upload.blob.data
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {
        "id": upload.id,
        "name": upload.name,
        "content_type": upload.type,
        "size": upload.blob.size,
        "etag": md5,
        "checksums": {"sha256": hashlib.sha256(data).hexdigest(), "md5": md5},
        "metadata": upload.metadata,
        "created_at": timestamps.serialize_trimmed(upload.created_at),
        "expires_at": timestamps.serialize_trimmed(upload.expires_at),
        "urls": {"get": f"{origin}/v1/files/{upload.id}"},
    }


def _urls(job: Job, kind: str) -> dict[str, str]:
    origin = job.spec.origin
    get = f"{origin}/v1/{kind}/{job.id}"
    urls = {"cancel": f"{get}/cancel", "get": get}
    if job.model.streams:
        urls["stream"] = f"{origin}/v1/streams/{job.stream_key}"
    urls["web"] = f"{origin}/p/{job.id}"
    return urls


def _deadline(job: Job) -> JSONObject:
    if job.deadline is None:
        return {}
    return {"deadline": timestamps.serialize_trimmed(job.deadline)}
