"""What a server knows of its models: those that are functions, and those that clients created."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from . import timestamps
from .json_types import JSONObject
from .models import Model, Registry


@dataclass(frozen=True)
class Entry:
    """One model as it is now.

    Attributes:
        name: `owner/name`.
        created_at: When it was created or registered.
        about: Its description, visibility and links, by the names that they have in the API.
        versions: Its versions, newest first.
    """

    name: str
    created_at: datetime
    about: Mapping[str, object]
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
    def description(self) -> str:
        """Its description, "" where it has none."""
        return str(self.about.get("description") or "")

    @property
    def updated_at(self) -> datetime:
        """When its latest version was created, or where it has none, the model itself."""
        if self.versions:
            return self.versions[0].created_at
        return self.created_at

    def version(self, id: str) -> Model | None:
        """Return the version with this id, or None."""
        return next((version for version in self.versions if version.version == id), None)


class Catalog:
    """The models of a server by name: the functions of a registry, and what clients created.

    Args:
        functions: The registry of the server's functions.
    """

    def __init__(self, functions: Registry) -> None:
        self._functions = functions
        self._created: dict[str, datetime] = {}
        self._about: dict[str, JSONObject] = {}
        self._trained: dict[str, list[Model]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Entry | None:
        """Return the model of this name, or None."""
        function = self._functions.get(name)
        about: JSONObject = {"description": None}
        with self._lock:
            created_at = self._created.get(name)
            versions = list(self._trained.get(name, ()))
            if function is not None:
                created_at = function.created_at
                versions.append(function)
                about["description"] = function.description
            about |= self._about.get(name, {})
        if created_at is None:
            return None
        versions.sort(key=lambda version: version.created_at, reverse=True)
        return Entry(name, created_at, about, tuple(versions))

    def all(self) -> list[Entry]:
        """Return every model, newest first."""
        names = dict.fromkeys(model.name for model in self._functions.all())
        names |= dict.fromkeys(list(self._created))
        entries = [entry for entry in map(self.get, names) if entry is not None]
        return sorted(entries, key=lambda entry: entry.created_at, reverse=True)

    def public(self) -> list[Entry]:
        """Return every public model, newest first."""
        return [entry for entry in self.all() if entry.visibility == "public"]

    def official(self, name: str) -> Model | None:
        """Return the model that runs by this name alone, or None."""
        model = self._functions.get(name)
        if model is None or not model.official:
            return None
        return model

    def get_version(self, id: str) -> Model | None:
        """Return the model with this version id, or None."""
        with self._lock:
            trained = [model for models in self._trained.values() for model in models]
        for model in trained:
            if model.version == id:
                return model
        return self._functions.get_version(id)

    def create(self, name: str, about: Mapping[str, object]) -> bool:
        """Create a model without versions, and return whether the name was free.

        Args:
            name: `owner/name`.
            about: Its description, visibility and links.
        """
        taken = self._functions.get(name) is not None
        with self._lock:
            if taken or name in self._created:
                return False
            self._created[name] = timestamps.unique_now()
            self._about[name] = dict(about)
        return True

    def update(self, name: str, about: Mapping[str, object]) -> None:
        """Change what is known about a model; what is not in `about` stays as it is."""
        with self._lock:
            self._about[name] = {**self._about.get(name, {}), **about}

    def delete(self, name: str) -> None:
        """Delete a model that a client created."""
        with self._lock:
            self._created.pop(name, None)
            self._about.pop(name, None)
            self._trained.pop(name, None)

    def add_version(self, name: str, like: Model) -> Model:
        """Add a version that runs the function of another model, and return it.

        Args:
            name: The model that gets the version.
            like: The model whose function and schemas it has.

        Raises:
            LookupError: There is no model of this name.
        """
        entry = self.get(name)
        if entry is None:
            raise LookupError(f"The model {name} does not exist")
        version = replace(
            like,
            name=name,
            version=secrets.token_hex(32),
            description=entry.description or like.description,
            official=False,
            created_at=timestamps.unique_now(),
            trainer=None,
            boot=0.0,
        )
        with self._lock:
            self._trained.setdefault(name, []).append(version)
        return version

    def delete_version(self, name: str, id: str) -> None:
        """Delete a version that was trained; any other stays."""
        with self._lock:
            versions = self._trained.get(name, [])
            self._trained[name] = [version for version in versions if version.version != id]
