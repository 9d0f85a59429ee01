"""Deployments: names of the account under which a version of a model runs."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from datetime import datetime

from . import timestamps
from .json_types import JSONObject
from .records import Records

_KIND = "deployment"  # of record
_MOMENTS = ("created_at", "released_at")


@dataclass(frozen=True)
class Deployment:
    """One deployment, in its current release.

    Attributes:
        name: Its name, without the owner's.
        model: The name of the model that it runs.
        version: The id of the model's version.
        hardware: The SKU of the machines that it would run on.
        min_instances: The fewest machines that it would keep running.
        max_instances: The most machines that it would scale to.
        number: The number of the release, from 1.
        created_at: When the deployment was created.
        released_at: When the current release was created.
    """

    name: str
    model: str
    version: str
    hardware: str
    min_instances: int
    max_instances: int
    number: int
    created_at: datetime
    released_at: datetime


class Deployments:
    """The deployments of a server by name.

    Args:
        records: Where they are remembered.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._deployments: dict[str, Deployment] = {}
        self._lock = threading.Lock()
        for name, record in records.all(_KIND).items():
            moments = {key: timestamps.parse(record[key]) for key in _MOMENTS}
            self._deployments[name] = Deployment(**{**record, **moments})

    def get(self, name: str) -> Deployment | None:
        """Return the deployment of this name, or None."""
        return self._deployments.get(name)

    def all(self) -> list[Deployment]:
        """Return every deployment, newest first."""
        with self._lock:
            deployments = list(self._deployments.values())
        return sorted(deployments, key=lambda one: one.created_at, reverse=True)

    def create(self, settings: JSONObject) -> Deployment | None:
        """Create a deployment in its first release; return None where the name is taken.

        Args:
            settings: name, model, version, hardware, min_instances and max_instances.
        """
        now = timestamps.unique_now()
        deployment = Deployment(**settings, number=1, created_at=now, released_at=now)
        with self._lock:
            if deployment.name in self._deployments:
                return None
            self._keep(deployment)
        return deployment

    def release(self, name: str, settings: JSONObject) -> Deployment | None:
        """Create a new release of a deployment; return None where there is none of that name.

        Args:
            name: The deployment's name.
            settings: Those that change, of the ones that `create` has.
        """
        with self._lock:
            previous = self._deployments.get(name)
            if previous is None:
                return None
            changed = asdict(previous) | settings
            changed["number"] = previous.number + 1
            changed["released_at"] = timestamps.unique_now()
            self._keep(Deployment(**changed))
            return self._deployments[name]

    def delete(self, name: str) -> None:
        """Delete a deployment; one that does not exist is no error."""
        with self._lock:
            self._deployments.pop(name, None)
            self._records.delete(_KIND, name)

    def _keep(self, deployment: Deployment) -> None:
        self._deployments[deployment.name] = deployment
        record = asdict(deployment)
        for key in _MOMENTS:
            record[key] = timestamps.serialize(record[key])
        self._records.put(_KIND, deployment.name, record)
