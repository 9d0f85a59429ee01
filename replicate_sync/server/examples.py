"""Examples of the models that the library brings: predictions that are there when somebody looks for them."""

from __future__ import annotations

import threading
from typing import Any

from .jobs import SUCCEEDED, Job, Jobs
from .models import Model
from .validation import validate

_PATIENCE = 10  # seconds for one to be made
_INPUTS: dict[str, list[dict[str, Any]]] = {
    "replicate/hello-world": [{"text": "Alice"}, {"text": "Bob"}],
    "meta/meta-llama-3-70b-instruct": [{"prompt": "What does a river do at night?", "max_tokens": 24, "seed": 1}],
    "google-deepmind/gemma-2b-it": [{"prompt": "Once upon a time", "max_new_tokens": 24, "seed": 1}],
    "black-forest-labs/flux-schnell": [{"prompt": "a lighthouse at dusk", "megapixels": "0.25", "seed": 1}],
}


class Examples:
    """The examples of a server's models; they are made when they are first asked for, and are in no other list."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._made: dict[str, list[Job]] = {}
        self._lock = threading.Lock()

    def of(self, model: Model, origin: str) -> list[Job]:
        """Give the examples of a model; of one that nobody has picked any for, and that takes other inputs, none.

        `origin` is where the client sees the server.
        """
        with self._lock:
            if model.version not in self._made:
                inputs = [given for given in _INPUTS.get(model.name, ()) if not validate(given, model.input)]
                self._made[model.version] = [
                    self._jobs.create(model, model.version, one, origin, example=True) for one in inputs
                ]
                for job in self._made[model.version]:
                    job.start()
        for job in self._made[model.version]:
            job.wait(_PATIENCE)
        return [job for job in self._made[model.version] if job.status == SUCCEEDED]
