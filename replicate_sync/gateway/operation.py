"""An operation of OpenAI's API, which a model on Replicate does."""

from __future__ import annotations

from ..client import Replicate
from .models import GatewayModels


class Operation:
    """What each operation needs.

    Args:
        client: Runs the models.
        models: Their names.
    """

    def __init__(self, client: Replicate, models: GatewayModels) -> None:
        self._client = client
        self._models = models
