"""The JSON of predictions, models and versions.

Replicate has two hands for a prediction: its edge writes those that were just created or still run, its
database those that are over. The keys, their order and the digits of the times differ.
"""

from __future__ import annotations

from typing import Any

from .. import timestamps
from ..catalog import Entry
from ..deployments import Deployment
from ..files import Files
from ..jobs import PROCESSING, STARTING, Job
from ..models import Model
from .account_routes import ACCOUNT, USERNAME
from .json_responses import ordered

_INLINE = 256 * 2**10  # bytes that a file may have to be given in an answer


def prediction(job: Job) -> dict[str, Any]:
    """Give a prediction as a look at it shows it; of a training, the database shows everything."""
    with job.changed:
        return database(job) if job.over or job.training else edge(job)


def edge(job: Job, status: str | None = None, files: Files | None = None) -> dict[str, Any]:
    """Give a prediction as the edge writes it.

    `status` is another one than it has: PROCESSING shows one that has succeeded as the edge often sees it, all of the
    output and not yet its end; STARTING shows one that runs as it was before, without output.
    With `files`, those of its output that are small are there as `data:` URIs.
    """
    body: dict[str, Any] = {
        "id": job.id,
        "model": job.model.name,
        "version": job.version,
        "input": ordered(job.input),
    }
    with job.changed:
        output = files.inlined(job.output, job.id, _INLINE) if files else job.output
        body |= {"logs": "" if status else job.logs, "output": None if status == STARTING else output}
        body |= {"data_removed": False, "error": job.error, "source": job.source, "status": status or job.status}
        body["created_at"] = timestamps.trimmed(job.created)
        if job.started and not status:
            body["started_at"] = timestamps.trimmed(job.started)
        if job.over and not status:
            body |= {"completed_at": timestamps.trimmed(job.completed), "metrics": dict(job.metrics)}
    return body | _deadline(job) | job.echo | {"urls": _urls(job, "predictions")}


def database(job: Job, processing: bool = False) -> dict[str, Any]:
    """Give a prediction or a training as the database writes it.

    `processing` shows one that is over as it was before: with its output and its logs, and without an end.
    """
    with job.changed:
        body = _database(job)
    over = job.over and not processing
    if not over:
        body |= {"completed_at": None, "metrics": {}, "error": None}
    return body | ({"status": PROCESSING} if processing else {})


def _database(job: Job) -> dict[str, Any]:
    return {
        "completed_at": timestamps.written(job.completed),
        "created_at": timestamps.written(job.created),
        "data_removed": False,
        **_deadline(job),
        "error": job.error,
        "id": job.id,
        "input": ordered(job.input),
        "logs": job.logs.removesuffix("\n") or (None if job.error is None and job.output is None else ""),
        "metrics": dict(job.metrics),
        "output": job.output,
        "source": job.source,
        "started_at": timestamps.written(job.started),
        "status": job.status,
        "urls": _urls(job, "trainings" if job.training else "predictions"),
        "model": job.model.name,
        "version": job.version,
        **job.echo,
        "webhook_completed": None,
    }


def model(one: Entry) -> dict[str, Any]:
    """Give a model, with its latest version."""
    owner, _, name = one.name.partition("/")
    return {
        "url": f"https://replicate.com/{one.name}",
        "owner": owner,
        "name": name,
        "description": one.about.get("description"),
        "visibility": one.visibility,
        "is_official": one.official,
        "github_url": one.about.get("github_url"),
        "paper_url": one.about.get("paper_url"),
        "license_url": one.about.get("license_url"),
        "run_count": 0,
        "cover_image_url": one.about.get("cover_image_url"),
        "default_example": None,
        "latest_version": version(one.versions[0]) if one.versions else None,
        "created_at": timestamps.written(one.created_at),
    }


def version(one: Model) -> dict[str, Any]:
    """Give a model's version, with its OpenAPI document."""
    created = timestamps.written(one.created_at)
    return {"id": one.version, "created_at": created, "cog_version": "0.14.1", "openapi_schema": one.document}


def deployment(one: Deployment) -> dict[str, Any]:
    """Return the JSON of a deployment."""
    scale = {"min_instances": one.min_instances, "max_instances": one.max_instances}
    release = {
        "number": one.number,
        "model": one.model,
        "version": one.version,
        "created_at": timestamps.written(one.released),
        "created_by": ACCOUNT,
        "configuration": {"hardware": one.hardware, **scale},
    }
    return {"owner": USERNAME, "name": one.name, "current_release": release}


def _urls(job: Job, kind: str) -> dict[str, str]:
    get = f"{job.origin}/v1/{kind}/{job.id}"
    stream = {"stream": f"{job.origin}/v1/streams/{job.capability}"} if job.model.streams else {}
    return {"cancel": f"{get}/cancel", "get": get, **stream, "web": f"{job.origin}/p/{job.id}"}


def _deadline(job: Job) -> dict[str, Any]:
    return {"deadline": timestamps.trimmed(job.deadline)} if job.deadline else {}
