"""Predictions and trainings as records, which stay after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import job_context
from .job import Job
from .job_spec import JobSpec
from .json_types import JSONObject
from .models import Model
from .records import Records
from .schemas import Schema

_JOB = "prediction"  # kinds of record
_SCHEMAS = "schemas"


class SavedJob(NamedTuple):
    """A job as it was saved.

    Attributes:
        spec: What it was created from.
        snapshot: Its state.
    """

    spec: JobSpec
    snapshot: JSONObject


class JobRecords:
    """The records of a server's jobs.

    Args:
        records: The records of the server.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._saved_schemas: set[str] = set()

    def save(self, job: Job) -> None:
        """Save a job as it is now."""
        if not self._records.kept or job.spec.example:
            return
        spec = job.spec
        key = f"{spec.model.name}:{spec.model.version}:{spec.training}"
        if key not in self._saved_schemas:
            self._saved_schemas.add(key)
            schemas: JSONObject = {"input": spec.model.input, "output": spec.model.output}
            self._records.put(_SCHEMAS, key, schemas)
        record: JSONObject = {
            "schemas": key,
            "model": spec.model.name,
            "model_version": spec.model.version,
            "version": spec.version,
            "origin": spec.origin,
            "source": spec.source,
            "echo": spec.echo,
            "training": spec.training,
            "snapshot": job.snapshot(),
        }
        self._records.put(_JOB, job.id, record)

    def delete(self, id: str) -> None:
        """Delete what was saved of a job."""
        self._records.delete(_JOB, id)

    def all(self, origin: str) -> Iterator[SavedJob]:
        """Yield every saved job, in the order of creation.

        Args:
            origin: Scheme, host and port of the server now, to which the URLs of files lead.
        """
        schemas = self._records.all(_SCHEMAS)
        for record in self._records.all(_JOB).values():
            saved: JSONObject = record["snapshot"]
            model = _past_model(record, schemas.get(record["schemas"], {}))
            spec = JobSpec(
                model=model,
                version=record["version"],
                input=saved["input"],
                origin=origin,
                source=record["source"],
                echo=record["echo"],
                training=record["training"],
            )
            outputs = f"{record['origin']}/outputs/"
            snapshot = {key: _moved(item, outputs, origin) for key, item in saved.items()}
            yield SavedJob(spec, snapshot)


def _past_model(record: JSONObject, schemas: JSONObject) -> Model:
    """Return the model of a job that is over, which is never run again."""
    output: Schema = schemas.get("output", {})
    return Model(
        name=record["model"],
        function=_never_run,
        version=record["model_version"],
        description=None,
        input=schemas.get("input", {"type": "object", "properties": {}}),
        output=output,
    )


def _never_run(**_: object) -> None:
    raise job_context.Failed("This prediction ran before the server was started again.")


def _moved(value: object, outputs: str, origin: str) -> object:
    """Return a JSON value whose URLs of outputs lead to another origin."""
    if isinstance(value, dict):
        return {key: _moved(item, outputs, origin) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, outputs, origin) for item in value]
    if isinstance(value, str) and value.startswith(outputs):
        return f"{origin}/outputs/{value.removeprefix(outputs)}"
    return value
