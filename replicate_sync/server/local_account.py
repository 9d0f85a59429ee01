"""The one account of a server, which owns all that clients create, and the hardware it may name."""

from __future__ import annotations

from .json_types import JSONObject

USERNAME = "local"
ACCOUNT: JSONObject = {
    "type": "user",
    "username": USERNAME,
    "name": "Local",
    "github_url": "https://github.com/local",
    "avatar_url": "https://github.com/local.png",
}
# Models and deployments may ask for any of these; here they all run on this machine.
HARDWARE = [
    {"sku": "cpu", "name": "CPU"},
    {"sku": "gpu-t4", "name": "Nvidia T4 GPU"},
    {"sku": "gpu-a40-small", "name": "Nvidia A40 GPU"},
    {"sku": "gpu-a40-large", "name": "Nvidia A40 (Large) GPU"},
    {"sku": "gpu-l40s", "name": "Nvidia L40S GPU"},
    {"sku": "gpu-a100-large", "name": "Nvidia A100 (80GB) GPU"},
    {"sku": "gpu-h100", "name": "Nvidia H100 GPU"},
]
SKUS = [kind["sku"] for kind in HARDWARE]
