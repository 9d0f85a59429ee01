"""Models: Python functions with a name, a version and schemas; and where they are registered."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from . import schemas, timestamps
from .json_types import JSONObject
from .openapi import openapi_document
from .schemas import Schema

F = TypeVar("F", bound=Callable[..., object])

REDACTED = "[REDACTED]"
"""What the API shows instead of a secret input."""
_NUMBERS: dict[str, type[int] | type[float]] = {"integer": int, "number": float}


class Trainer(NamedTuple):
    """A function that trains a model.

    Attributes:
        function: It is called with a training's input, and returns the weights.
        input: The schema of a training's input.
        slot: A training holds it while it runs.
    """

    function: Callable[..., object]
    input: Schema
    slot: AbstractContextManager[object] = nullcontext()


@dataclass(frozen=True)
class Model:
    """One version of a model: a function that can be run by name.

    Attributes:
        name: `owner/name`.
        function: It is called with the input, and returns or yields the output.
        version: The id of the version, 64 hexadecimal digits.
        description: One line about the model, or None.
        input: The schema of its input, an object.
        output: The schema of its output.
        official: Whether it runs by its name alone.
        boot: For how many seconds each prediction is `starting`.
        created_at: When it was registered.
        trainer: What trains it, or None.
        slot: A prediction holds it while it runs, and is `starting` while it waits for it.
        problem: Returns why it does not run now, "" where it does.
    """

    name: str
    function: Callable[..., object]
    version: str
    description: str | None
    input: Schema
    output: Schema
    official: bool = True
    boot: float = 0.0
    created_at: datetime = field(default_factory=timestamps.unique_now)
    trainer: Trainer | None = None
    slot: AbstractContextManager[object] = field(default_factory=nullcontext)
    problem: Callable[[], str] = field(default=lambda: "")

    @property
    def streams(self) -> bool:
        """Whether its output comes piece by piece."""
        return schemas.is_iterator(self.output)

    @property
    def document(self) -> Schema:
        """Its OpenAPI document."""
        if self.trainer is None:
            return openapi_document(self.input, self.output)
        return openapi_document(self.input, self.output, self.trainer.input)

    def arguments(self, input: Mapping[str, object]) -> JSONObject:
        """Return the keyword arguments for a valid input: integers as int, other numbers as float.

        Args:
            input: The input of a prediction; a number in it may be of either type.
        """
        arguments: JSONObject = dict(input)
        for name, prop in self.input["properties"].items():
            convert = _NUMBERS.get(prop.get("type", ""))
            if convert is not None and arguments.get(name) is not None:
                arguments[name] = convert(arguments[name])
        return arguments

    def redact(self, input: Mapping[str, object]) -> JSONObject:
        """Return an input without the values of its secrets."""
        properties = self.input.get("properties", {})
        return {
            name: REDACTED if value and _is_secret(properties.get(name, {})) else value
            for name, value in input.items()
        }

    def file_inputs(self) -> list[str]:
        """Return the names of the inputs that are one file or a list of files."""
        return file_inputs(self.input)


class Registry:
    """Models by name.

    Args:
        parent: Where models that are not here are looked up.
    """

    def __init__(self, parent: Registry | None = None) -> None:
        self._parent = parent
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def model(
        self,
        name: str,
        *,
        official: bool = True,
        version: str | None = None,
        boot: float = 0.0,
    ) -> Callable[[F], F]:
        """Register a function as a model; a decorator, which returns the function.

        Args:
            name: `owner/name`.
            official: Whether it runs by its name alone; a community model runs by its version only.
            version: The version's id, 64 hexadecimal digits; by default it is derived from the
                name and the schemas.
            boot: For how many seconds each prediction is `starting`.

        Raises:
            ValueError: The name is not `owner/name`.
        """
        validate_name(name)

        def register(function: F) -> F:
            self._add_function(
                name, functools.partial(_model_of, function, name, official, version, boot)
            )
            return function

        return register

    def _add_function(self, name: str, read: Callable[[], Model]) -> None:
        self.add(read())

    def add(self, model: Model) -> None:
        """Add a model, in place of one of the same name.

        Raises:
            ValueError: The name is not `owner/name`.
        """
        validate_name(model.name)
        with self._lock:
            self._models[model.name] = model

    def remove(self, name: str) -> None:
        """Remove a model from this registry; one that is not here is no error."""
        with self._lock:
            self._models.pop(name, None)

    def trainer(self, name: str) -> Callable[[F], F]:
        """Register a function that trains a model; a decorator, which returns the function.

        Its parameters are a training's input, and it returns the weights: a file, a URL, or None.
        When it has returned, the destination of the training gets a new version, which runs the
        model's function.

        Args:
            name: `owner/name` of a model that is registered already.

        Raises:
            ValueError: There is no model of this name.
        """
        known = self.get(name)
        if known is None:
            raise ValueError(f"There is no model {name!r} to train: register it first.")

        def register(function: F) -> F:
            input = schemas.input_schema(function) | {"title": "TrainingInput"}
            with self._lock:
                model = self._models.get(name, known)
                self._models[name] = replace(model, trainer=Trainer(function, input))
            return function

        return register

    def get(self, name: str) -> Model | None:
        """Return the model of this name, or None."""
        model = self._models.get(name)
        if model is None and self._parent is not None:
            return self._parent.get(name)
        return model

    def get_version(self, version: str) -> Model | None:
        """Return the model with this version id, or None."""
        return next((model for model in self.all() if model.version == version), None)

    def all(self) -> list[Model]:
        """Return every model, newest first."""
        models: dict[str, Model] = {}
        if self._parent is not None:
            models.update((model.name, model) for model in self._parent.all())
        with self._lock:
            models.update(self._models)
        return sorted(models.values(), key=lambda model: model.created_at, reverse=True)


class _LateRegistry(Registry):
    """Models whose functions are read when they are asked for: all of them take a tenth of a start.

    What is wrong with a function shows late then, so this is for functions that are known.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unread: dict[str, Callable[[], Model]] = {}
        self._reading = threading.Lock()

    def _add_function(self, name: str, read: Callable[[], Model]) -> None:
        created_at = timestamps.unique_now()
        self._unread[name] = lambda: replace(read(), created_at=created_at)

    def remove(self, name: str) -> None:
        """Remove a model from this registry; one that is not here is no error."""
        self._read([name])
        super().remove(name)

    def get(self, name: str) -> Model | None:
        """Return the model of this name, or None."""
        self._read([name])
        return super().get(name)

    def all(self) -> list[Model]:
        """Return every model, newest first."""
        self._read(list(self._unread))
        return super().all()

    def _read(self, names: list[str]) -> None:
        with self._reading:
            for name in names:
                if name in self._unread:
                    self.add(self._unread[name]())
                    del self._unread[name]


def _is_secret(prop: Schema) -> bool:
    return prop.get("format") == "password" or bool(prop.get("x-cog-secret"))


def file_inputs(input: Schema) -> list[str]:
    """Return the names of the inputs that are one file or a list of files."""
    return [
        name
        for name, prop in input["properties"].items()
        if "uri" in (prop.get("format"), prop.get("items", {}).get("format"))
    ]


def validate_name(name: str) -> None:
    """Raise ValueError for a model's name that is not `owner/name`."""
    if not re.fullmatch(r"[^/:\s]+/[^/:\s]+", name):
        raise ValueError(f"A model's name is owner/name, not {name!r}.")


def derive_version(name: str, input: Schema, output: Schema) -> str:
    """Return the version id for a name and schemas: 64 hexadecimal digits, always the same."""
    text = json.dumps([name, input, output], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _model_of(
    function: Callable[..., object], name: str, official: bool, version: str | None, boot: float
) -> Model:
    input = schemas.input_schema(function)
    output = schemas.output_schema(function)
    return Model(
        name=name,
        function=function,
        version=version or derive_version(name, input, output),
        description=schemas.description(function),
        input=input,
        output=output,
        official=official,
        boot=boot,
    )


builtin: Registry = _LateRegistry()
"""The models that the package brings; a function registered under the same name replaces one."""

everywhere: Registry = Registry(builtin)
"""The models of every server of this process."""


def model(
    name: str,
    *,
    official: bool = True,
    version: str | None = None,
    boot: float = 0.0,
) -> Callable[[F], F]:
    """Register a function as a model of every LocalServer of this process; a decorator.

    The parameters and errors are those of `Registry.model`.
    """
    return everywhere.model(name, official=official, version=version, boot=boot)
