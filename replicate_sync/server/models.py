"""Models: Python functions with a name, a version, and schemas; and where they are registered."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from . import schemas, timestamps
from .schemas import Schema

F = TypeVar("F", bound=Callable[..., Any])


class Trainer(NamedTuple):
    """A function that trains a model, and the schema of a training's input."""

    function: Callable[..., Any]
    input: Schema


@dataclass(frozen=True)
class Model:
    """A function that can be run by name; `boot` is for how many seconds each prediction is `starting`.

    A prediction holds the `slot` while it runs, and is `starting` as long as it waits for it.
    """

    name: str
    function: Callable[..., Any]
    version: str
    description: str | None
    input: Schema
    output: Schema
    official: bool = True
    boot: float = 0.0
    created_at: datetime = field(default_factory=timestamps.tick)
    trainer: Trainer | None = None
    slot: AbstractContextManager[object] = field(default_factory=nullcontext)

    @property
    def streams(self) -> bool:
        """Whether its output comes piece by piece."""
        return schemas.is_iterator(self.output)

    @property
    def document(self) -> Schema:
        """Its OpenAPI document."""
        return schemas.document(self.input, self.output, self.trainer.input if self.trainer else None)

    def arguments(self, given: dict[str, Any]) -> dict[str, Any]:
        """Give the keyword arguments for an input that is valid: whole numbers as int, others as float."""
        made = dict(given)
        for name, prop in self.input["properties"].items():
            kind = {"integer": int, "number": float}.get(prop.get("type", ""))
            if kind is not None and made.get(name) is not None:
                made[name] = kind(made[name])
        return made

    def file_inputs(self) -> list[str]:
        """Give the names of the inputs that are one file or a list of files."""
        properties = self.input["properties"].items()
        return [name for name, prop in properties if "uri" in (prop.get("format"), prop.get("items", {}).get("format"))]


class Registry:
    """Models by name; what is not found here is looked for in `parent`."""

    def __init__(self, parent: Registry | None = None) -> None:
        self._parent = parent
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def model(self, name: str, *, official: bool = True, version: str | None = None, boot: float = 0.0) -> Callable[[F], F]:
        """Register a function as the model `owner/name`; a decorator, which gives the function back.

        `official=False` makes it a community model, which only its version runs. `version` pins the id, 64
        hexadecimal digits; else it follows from the name and the schemas. For `boot` seconds each prediction
        is `starting`.
        Raises ValueError for a name that is not `owner/name`.
        """
        check_name(name)

        def register(function: F) -> F:
            given, made = schemas.input_schema(function), schemas.output_schema(function)
            digest = version or version_of(name, given, made)
            about = schemas.description(function)
            self.add(Model(name, function, digest, about, given, made, official, boot))
            return function

        return register

    def add(self, model: Model) -> None:
        """Take a model, in place of one of the same name."""
        check_name(model.name)
        with self._lock:
            self._models[model.name] = model

    def trainer(self, name: str) -> Callable[[F], F]:
        """Register a function as the one that trains a model; a decorator, which gives the function back.

        Its parameters are a training's input, and it gives the weights: a file, a URL, or nothing. When it is
        done, the model that was trained for gets a version of its own, which runs the model's function.
        Raises ValueError where there is no model of this name.
        """
        known = self.get(name)
        if known is None:
            raise ValueError(f"There is no model {name!r} to train: register it first.")

        def register(function: F) -> F:
            with self._lock:
                trainer = Trainer(function, schemas.input_schema(function) | {"title": "TrainingInput"})
                self._models[name] = replace(self._models.get(name, known), trainer=trainer)
            return function

        return register

    def get(self, name: str) -> Model | None:
        """Give the model of this name, or None."""
        return self._models.get(name) or (self._parent.get(name) if self._parent else None)

    def of_version(self, version: str) -> Model | None:
        """Give the model with this version id, or None."""
        return next((model for model in self.all() if model.version == version), None)

    def all(self) -> list[Model]:
        """Give every model, newest first."""
        inherited = {model.name: model for model in self._parent.all()} if self._parent else {}
        with self._lock:
            found = inherited | self._models
        return sorted(found.values(), key=lambda model: model.created_at, reverse=True)


def check_name(name: str) -> None:
    """Raise ValueError for a model's name that is not `owner/name`."""
    if not re.fullmatch(r"[^/:\s]+/[^/:\s]+", name):
        raise ValueError(f"A model's name is owner/name, not {name!r}.")


def version_of(name: str, given: Schema, made: Schema) -> str:
    """Give the version that follows from a model's name and schemas: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps([name, given, made], sort_keys=True).encode()).hexdigest()


standins = Registry()
"""The models that the library brings; a function registered under the same name takes the place of one."""

everywhere = Registry(standins)
"""The models of every server of this process."""


def model(name: str, *, official: bool = True, version: str | None = None, boot: float = 0.0) -> Callable[[F], F]:
    """Register a function as a model of every LocalServer of this process, as `Registry.model` does."""
    return everywhere.model(name, official=official, version=version, boot=boot)
