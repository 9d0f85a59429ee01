"""What a server knows of its models: those that are functions, and those that clients created."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from . import timestamps
from .json_types import JSONObject
from .models import Model, Registry
from .records import Records

_KIND = "model"  # of record


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


class _Trained(NamedTuple):
    """A version that a training created: it runs the function of the model that was trained.

    Attributes:
        id: The id of the version.
        base: The name of the model that was trained.
        description: Its description, or None.
        created_at: When it was created.
    """

    id: str
    base: str
    description: str | None
    created_at: datetime


class Catalog:
    """The models of a server by name: the functions of a registry, and what clients created.

    Args:
        functions: The registry of the server's functions.
        records: Where it is remembered what clients created.
    """

    def __init__(self, functions: Registry, records: Records) -> None:
        self._functions = functions
        self._records = records
        self._created: dict[str, datetime] = {}
        self._about: dict[str, JSONObject] = {}
        self._trained: dict[str, list[_Trained]] = {}
        self._lock = threading.Lock()
        for name, record in records.all(_KIND).items():
            self._restore(name, record)

    def get(self, name: str) -> Entry | None:
        """Return the model of this name, or None."""
        function = self._functions.get(name)
        about: JSONObject = {"description": None}
        with self._lock:
            created_at = self._created.get(name)
            trained = list(self._trained.get(name, ()))
            if function is not None:
                created_at = function.created_at
                about["description"] = function.description
            about |= self._about.get(name, {})
        if created_at is None:
            return None
        versions = self._versions(name, trained)
        if function is not None:
            versions.append(function)
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
            trained = {name: list(versions) for name, versions in self._trained.items()}
        for name, versions in trained.items():
            for model in self._versions(name, versions):
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
            self._save(name)
        return True

    def update(self, name: str, about: Mapping[str, object]) -> None:
        """Change what is known about a model; what is not in `about` stays as it is."""
        with self._lock:
            self._about[name] = {**self._about.get(name, {}), **about}
            self._save(name)

    def delete(self, name: str) -> None:
        """Delete a model that a client created."""
        with self._lock:
            self._created.pop(name, None)
            self._about.pop(name, None)
            self._trained.pop(name, None)
            self._records.delete(_KIND, name)

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
        trained = _Trained(
            id=secrets.token_hex(32),
            base=like.name,
            description=entry.description or like.description,
            created_at=timestamps.unique_now(),
        )
        with self._lock:
            self._trained.setdefault(name, []).append(trained)
            self._save(name)
        return _as_version(name, trained, like)

    def delete_version(self, name: str, id: str) -> None:
        """Delete a version that was trained; any other stays."""
        with self._lock:
            versions = self._trained.get(name, [])
            self._trained[name] = [version for version in versions if version.id != id]
            self._save(name)

    def _versions(self, name: str, trained: list[_Trained]) -> list[Model]:
        """Return the trained versions of a model whose function is registered."""
        bases = [(one, self._functions.get(one.base)) for one in trained]
        return [_as_version(name, one, base) for one, base in bases if base is not None]

    def _save(self, name: str) -> None:
        trained = self._trained.get(name, ())
        created_at = self._created.get(name)
        record: JSONObject = {
            "created_at": timestamps.serialize(created_at),
            "about": self._about.get(name, {}),
            "trained": [
                {**one._asdict(), "created_at": timestamps.serialize(one.created_at)}
                for one in trained
            ],
        }
        self._records.put(_KIND, name, record)

    def _restore(self, name: str, record: JSONObject) -> None:
        if record["created_at"] is not None:
            self._created[name] = timestamps.parse(record["created_at"])
        self._about[name] = record["about"]
        self._trained[name] = [
            _Trained(**{**one, "created_at": timestamps.parse(one["created_at"])})
            for one in record["trained"]
        ]


def _as_version(name: str, trained: _Trained, base: Model) -> Model:
    return replace(
        base,
        name=name,
        version=trained.id,
        description=trained.description,
        official=False,
        created_at=trained.created_at,
        trainer=None,
        boot=0.0,
    )
