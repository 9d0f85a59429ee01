"""The hardware that models run on, as the official client has it."""

from __future__ import annotations

import warnings

from .resource import Namespace, Resource


class Hardware(Resource):
    """Something that models run on."""

    sku: str
    name: str

    @property
    def id(self) -> str:
        """Its SKU; the name of former days."""
        warnings.warn("Use `sku` instead of `id`", DeprecationWarning, stacklevel=2)
        return self.sku


class HardwareNamespace(Namespace):
    """Hardware: `list`."""

    def list(self) -> list[Hardware]:
        """Return all hardware that models can run on.

        Raises:
            ReplicateError: The API refused.
        """
        return [Hardware(**entry) for entry in self._client.request("GET", "/hardware")]
