"""Models: their names here, and `/v1/models`."""

from __future__ import annotations

import logging
import threading
from typing import Any

from .. import refs
from ..client import Replicate
from ..exceptions import ModelNotFoundError, ReplicateError
from .errors import GatewayError
from .settings import GatewaySettings

_COLLECTION = "language-models"
_log = logging.getLogger("replicate_sync")


class GatewayModels:
    """The models that the gateway runs.

    Args:
        client: Runs them.
        settings: The gateway's.
    """

    def __init__(self, client: Replicate, settings: GatewaySettings) -> None:
        self._client = client
        self._aliases = {**client.model_aliases, **settings.aliases}
        self._names = list(dict.fromkeys([*settings.aliases, *type(client).models]))
        self._collected: list[str] | None = None
        self._lock = threading.Lock()

    def resolve(self, name: str) -> refs.ModelRef:
        """Return the model behind a name that a client has sent.

        Raises:
            GatewayError: The name is not that of a model.
        """
        try:
            return refs.resolve(name, self._aliases)
        except ModelNotFoundError as error:
            raise GatewayError(404, str(error), code="model_not_found", param="model") from error

    def list_all(self) -> dict[str, Any]:
        """Return the models with a name here, and Replicate's collection of language models."""
        names = dict.fromkeys([*self._names, *self._collection()])
        return {"object": "list", "data": [_model(name) for name in names]}

    def get(self, name: str) -> dict[str, Any]:
        """Return one model. That it exists is known only for those with a name here.

        Raises:
            GatewayError: The name is not that of a model.
        """
        self.resolve(name)
        return _model(name)

    def _collection(self) -> list[str]:
        with self._lock:
            if self._collected is None:
                try:
                    collection = self._client.collections.get(_COLLECTION)
                    self._collected = [f"{model.owner}/{model.name}" for model in collection.models]
                except ReplicateError as error:
                    _log.debug("the collection %s was not listed: %s", _COLLECTION, error)
                    return []
            return self._collected


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": name.partition("/")[0]}
