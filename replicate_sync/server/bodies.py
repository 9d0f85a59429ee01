"""The JSON of predictions, models and versions.

Replicate has two hands for a prediction: its edge writes those that were just created or still run, its
database those that are over. The keys, their order and the digits of the times differ.
"""

from __future__ import annotations

from typing import Any

from . import times
from .answers import ordered
from .jobs import PROCESSING, Job
from .models import Model


def prediction(job: Job) -> dict[str, Any]:
    """Give a prediction as a look at it shows it."""
    with job.changed:
        return _database(job) if job.over else edge(job)


def edge(job: Job, processing: bool = False) -> dict[str, Any]:
    """Give a prediction as the edge writes it.

    `processing` shows one that has succeeded as the edge often sees it: all of the output, not yet its end.
    """
    body: dict[str, Any] = {
        "id": job.id,
        "model": job.model.name,
        "version": job.version,
        "input": ordered(job.input),
    }
    with job.changed:
        over = job.over and not processing
        body |= {"logs": "" if processing else job.logs, "output": job.output, "data_removed": False}
        body |= {"error": job.error, "source": job.source, "status": PROCESSING if processing else job.status}
        body["created_at"] = times.trimmed(job.created)
        if job.started and not processing:
            body["started_at"] = times.trimmed(job.started)
        if over:
            body |= {"completed_at": times.trimmed(job.completed), "metrics": dict(job.metrics)}
    return body | _deadline(job) | job.echo | {"urls": _urls(job)}


def _database(job: Job) -> dict[str, Any]:
    return {
        "completed_at": times.written(job.completed),
        "created_at": times.written(job.created),
        "data_removed": False,
        **_deadline(job),
        "error": job.error,
        "id": job.id,
        "input": ordered(job.input),
        "logs": job.logs.removesuffix("\n") or (None if job.error is None and job.output is None else ""),
        "metrics": dict(job.metrics),
        "output": job.output,
        "source": job.source,
        "started_at": times.written(job.started),
        "status": job.status,
        "urls": _urls(job),
        "model": job.model.name,
        "version": job.version,
        **job.echo,
        "webhook_completed": None,
    }


def model(one: Model) -> dict[str, Any]:
    """Give a model, with its latest version."""
    owner, _, name = one.name.partition("/")
    return {
        "url": f"https://replicate.com/{one.name}",
        "owner": owner,
        "name": name,
        "description": one.description,
        "visibility": "public",
        "is_official": one.official,
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": version(one),
        "created_at": times.written(one.created_at),
    }


def version(one: Model) -> dict[str, Any]:
    """Give a model's version, with its OpenAPI document."""
    created = times.written(one.created_at)
    return {"id": one.version, "created_at": created, "cog_version": "0.14.1", "openapi_schema": one.document}


def _urls(job: Job) -> dict[str, str]:
    get = f"{job.origin}/v1/predictions/{job.id}"
    stream = {"stream": f"{job.origin}/v1/streams/{job.capability}"} if job.model.streams else {}
    return {"cancel": f"{get}/cancel", "get": get, **stream, "web": f"{job.origin}/p/{job.id}"}


def _deadline(job: Job) -> dict[str, Any]:
    return {"deadline": times.trimmed(job.deadline)} if job.deadline else {}
