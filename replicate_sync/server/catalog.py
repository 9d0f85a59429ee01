"""What a server knows of its models: those that are functions, and those that clients have made."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from . import timestamps
from .models import Model, Registry


@dataclass(frozen=True)
class Entry:
    """One model as it is now: what is said about it, and its versions, newest first."""

    name: str
    created_at: datetime
    about: Mapping[str, Any]
    versions: tuple[Model, ...]

    @property
    def official(self) -> bool:
        """Whether it runs by its name alone."""
        return any(version.official for version in self.versions)

    @property
    def visibility(self) -> str:
        """`public` or `private`."""
        return str(self.about.get("visibility", "public"))

    @property
    def moved_at(self) -> datetime:
        """When its latest version was made, or where it has none, the model itself."""
        return self.versions[0].created_at if self.versions else self.created_at

    def version(self, id: str) -> Model | None:
        """Give the version of this id, or None."""
        return next((version for version in self.versions if version.version == id), None)


class Catalog:
    """The models of a server by name: the functions of a registry, and what was made over HTTP."""

    def __init__(self, functions: Registry) -> None:
        self._functions = functions
        self._made: dict[str, datetime] = {}
        self._about: dict[str, dict[str, Any]] = {}
        self._trained: dict[str, list[Model]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Entry | None:
        """Give the model of this name, or None."""
        function = self._functions.get(name)
        with self._lock:
            created = function.created_at if function else self._made.get(name)
            if created is None:
                return None
            found = [*self._trained.get(name, ()), *([function] if function else ())]
            about = {"description": function.description if function else None, **self._about.get(name, {})}
        found.sort(key=lambda version: version.created_at, reverse=True)
        return Entry(name, created, about, tuple(found))

    def all(self) -> list[Entry]:
        """Give every model, newest first."""
        names = dict.fromkeys([model.name for model in self._functions.all()] + list(self._made))
        found = [entry for name in names if (entry := self.get(name))]
        return sorted(found, key=lambda entry: entry.created_at, reverse=True)

    def public(self) -> list[Entry]:
        """Give every model that is for all to see, newest first."""
        return [entry for entry in self.all() if entry.visibility == "public"]

    def function(self, name: str) -> Model | None:
        """Give the model that runs by its name alone, or None."""
        found = self._functions.get(name)
        return found if found is not None and found.official else None

    def of_version(self, id: str) -> Model | None:
        """Give the model with this version id, or None."""
        with self._lock:
            trained = [model for models in self._trained.values() for model in models]
        return next((model for model in trained if model.version == id), None) or self._functions.of_version(id)

    def make(self, name: str, about: Mapping[str, Any]) -> bool:
        """Make a model without versions; gives False where there is one of that name."""
        taken = self._functions.get(name) is not None
        with self._lock:
            if taken or name in self._made:
                return False
            self._made[name], self._about[name] = timestamps.tick(), dict(about)
        return True

    def describe(self, name: str, about: Mapping[str, Any]) -> None:
        """Say something else about a model; what is not named stays."""
        with self._lock:
            self._about[name] = {**self._about.get(name, {}), **about}

    def drop(self, name: str) -> None:
        """Forget a model that was made here."""
        with self._lock:
            self._made.pop(name, None)
            self._about.pop(name, None)
            self._trained.pop(name, None)

    def add(self, name: str, like: Model) -> Model:
        """Give a model a new version, which runs the function of another model.

        Raises LookupError where there is no model of this name.
        """
        entry = self.get(name)
        if entry is None:
            raise LookupError(f"The model {name} does not exist")
        about = entry.about.get("description") or like.description
        new = replace(like, name=name, version=secrets.token_hex(32), description=about, official=False)
        new = replace(new, created_at=timestamps.tick(), trainer=None, boot=0.0)
        with self._lock:
            self._trained.setdefault(name, []).append(new)
        return new

    def remove(self, name: str, version: str) -> None:
        """Take a version that was trained here from its model."""
        with self._lock:
            self._trained[name] = [one for one in self._trained.get(name, ()) if one.version != version]
