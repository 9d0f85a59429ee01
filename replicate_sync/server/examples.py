"""Examples of the models that the package brings: finished predictions to look at."""

from __future__ import annotations

import threading

from .job import SUCCEEDED, Job
from .job_spec import JobSpec
from .jobs import Jobs
from .json_types import JSONObject
from .models import Model
from .validation import validate

_TIMEOUT = 10  # seconds for one to finish
_INPUTS: dict[str, list[JSONObject]] = {
    "replicate/hello-world": [{"text": "Alice"}, {"text": "Bob"}],
    "meta/meta-llama-3-70b-instruct": [
        {"prompt": "What does a river do at night?", "max_tokens": 24, "seed": 1},
    ],
    "google-deepmind/gemma-2b-it": [
        {"prompt": "Once upon a time", "max_new_tokens": 24, "seed": 1},
    ],
    "black-forest-labs/flux-schnell": [
        {"prompt": "a lighthouse at dusk", "megapixels": "0.25", "seed": 1},
    ],
}


class Examples:
    """The examples of a server's models, created when they are first asked for.

    Args:
        jobs: The predictions of the server.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._by_version: dict[str, list[Job]] = {}
        self._lock = threading.Lock()

    def get(self, model: Model, origin: str) -> list[Job]:
        """Return the examples of a model that have succeeded.

        Args:
            model: One without examples, or that accepts other inputs than these, has none.
            origin: Scheme, host and port of the server as the client knows them.
        """
        with self._lock:
            if model.version not in self._by_version:
                self._by_version[model.version] = self._start(model, origin)
            examples = self._by_version[model.version]
        for job in examples:
            job.wait(_TIMEOUT)
        return [job for job in examples if job.status == SUCCEEDED]

    def _start(self, model: Model, origin: str) -> list[Job]:
        jobs = []
        for input in _INPUTS.get(model.name, ()):
            if validate(input, model.input):
                continue
            spec = JobSpec(model, model.version, input, origin, example=True)
            jobs.append(self._jobs.create(spec))
        for job in jobs:
            job.start()
        return jobs
