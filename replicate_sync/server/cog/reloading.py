"""Starts a predictor again when a file of its project has changed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import job_context
from ..models import Model, validate_name
from .predictor import CogError
from .predictor_model import CogModel

_logger = logging.getLogger("replicate_sync.server")
_INTERVAL = 0.5  # seconds between two looks at the files
_DRAIN = 30.0  # seconds for what runs to end before the old process does
_SKIPPED = ("__pycache__", "node_modules", "venv")  # folders, and those that begin with a dot


class ReloadedModel:
    """A predictor as a model, read and started again whenever its project changes.

    Where it cannot be started, its model says why, and fails every prediction with the same words
    until a change mends it.

    Args:
        name: `owner/name`.
        predictor: Its file and class, or the folder of its project.
        register: Called with the model, each time that there is a new one.

    Raises:
        ValueError: The name is not `owner/name`.
    """

    def __init__(self, name: str, predictor: str, register: Callable[[Model], None]) -> None:
        validate_name(name)
        self._name = name
        self._predictor = predictor
        self._register = register
        self._current: CogModel | None = None
        self._model: Model | None = None
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def open(self) -> None:
        """Start the predictor, and look after its files; an open one stays as it is."""
        if self._thread is not None and not self._closed.is_set():
            return
        self._closed.clear()
        seen = self._snapshot()
        self._load()
        self._thread = threading.Thread(
            target=self._watch, args=(seen,), name=f"reload-{self._name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the process, and look no more."""
        self._closed.set()
        if self._current is not None:
            self._current.close()

    def _watch(self, seen: dict[str, int]) -> None:
        while not self._closed.wait(_INTERVAL):
            now = self._snapshot()
            if now != seen:
                seen = now
                self._load()

    def _load(self) -> None:
        previous = self._current
        try:
            fresh = CogModel(self._predictor)
            self._model = fresh.model(self._name)
            fresh.open()
        except CogError as error:
            text = f"{error}\n\n{error.output}".strip()
            _logger.warning("%s does not run: %s", self._name, error)
            self._register(_broken(self._name, self._model, text))
            return
        self._current = fresh
        self._register(fresh.model(self._name))
        if previous is not None:
            previous.drain(_DRAIN)
            previous.close()
        if self._closed.is_set():
            fresh.close()

    def _snapshot(self) -> dict[str, int]:
        """Return when each file of the project was changed last."""
        path = Path(self._predictor.partition(":")[0]).expanduser().absolute()
        top = path if path.is_dir() else path.parent
        found: dict[str, int] = {}
        for folder, folders, files in os.walk(top):
            folders[:] = [one for one in folders if one not in _SKIPPED and one[:1] != "."]
            for name in files:
                if name.endswith((".py", ".yaml")):
                    file = os.path.join(folder, name)
                    try:
                        found[file] = os.stat(file).st_mtime_ns
                    except OSError:  # it was deleted meanwhile
                        continue
        return found


def _broken(name: str, model: Model | None, problem: str) -> Model:
    """Return a model that fails with a problem; it keeps the schema of one that ran before."""

    def fail(**_: object) -> None:
        raise job_context.Failed(f"The model does not run: {problem}")

    if model is None:
        input = {"type": "object", "properties": {}, "additionalProperties": True}
        return Model(
            name, fail, "0" * 64, None, input, {"title": "Output"}, problem=lambda: problem
        )
    return replace(model, function=fail, trainer=None, problem=lambda: problem)
