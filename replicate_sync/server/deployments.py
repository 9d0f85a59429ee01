"""Deployments: names of the account under which a version of a model runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import timestamps


@dataclass(frozen=True)
class Deployment:
    """One deployment, in its current release."""

    name: str
    model: str
    version: str
    hardware: str
    min_instances: int
    max_instances: int
    number: int
    created: datetime
    released: datetime


class Deployments:
    """The deployments of a server by name."""

    def __init__(self) -> None:
        self._all: dict[str, Deployment] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Deployment | None:
        """Give the deployment of this name, or None."""
        return self._all.get(name)

    def all(self) -> list[Deployment]:
        """Give every deployment, newest first."""
        with self._lock:
            found = list(self._all.values())
        return sorted(found, key=lambda one: one.created, reverse=True)

    def make(self, settings: Mapping[str, Any]) -> Deployment | None:
        """Make a deployment in its first release; gives None where there is one of that name."""
        now = timestamps.tick()
        new = Deployment(**settings, number=1, created=now, released=now)
        with self._lock:
            return None if new.name in self._all else self._all.setdefault(new.name, new)

    def release(self, name: str, settings: Mapping[str, Any]) -> Deployment | None:
        """Release a deployment anew, with other settings; gives None where there is none of that name."""
        with self._lock:
            old = self._all.get(name)
            if old is None:
                return None
            changed = {**vars(old), **settings, "number": old.number + 1, "released": timestamps.tick()}
            self._all[name] = Deployment(**changed)
            return self._all[name]

    def drop(self, name: str) -> None:
        """Forget a deployment, if there is one of that name."""
        with self._lock:
            self._all.pop(name, None)
