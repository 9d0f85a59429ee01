"""The kinds of machine that models and deployments may ask for; here they all run on this one."""

from __future__ import annotations

from flask import Response

from .context import Route, ServerContext
from .json_responses import answer

HARDWARE = [
    {"sku": "cpu", "name": "CPU"},
    {"sku": "gpu-t4", "name": "Nvidia T4 GPU"},
    {"sku": "gpu-a40-small", "name": "Nvidia A40 GPU"},
    {"sku": "gpu-a40-large", "name": "Nvidia A40 (Large) GPU"},
    {"sku": "gpu-l40s", "name": "Nvidia L40S GPU"},
    {"sku": "gpu-a100-large", "name": "Nvidia A100 (80GB) GPU"},
    {"sku": "gpu-h100", "name": "Nvidia H100 GPU"},
]
SKUS = [one["sku"] for one in HARDWARE]


class HardwareRoutes:
    """Responds to the request that lists the hardware."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context

    def routes(self) -> list[Route]:
        """Return every route of this group."""
        return [Route("GET", "/v1/hardware", "hardware", self.all)]

    def all(self) -> Response:
        """List the kinds of machine."""
        return answer(HARDWARE)
