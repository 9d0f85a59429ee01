"""Make a deployment, run it, and delete it. On Replicate, a deployment needs an account that pays.

python examples/deployment.py
"""

from __future__ import annotations

import os

import replicate_sync

MODEL = "replicate/hello-world"

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
version = client.models.get(MODEL).latest_version
if version is None or version.id is None:
    raise SystemExit(f"{MODEL} has no version.")
deployment = client.deployments.create(
    name="hello-from-the-examples",
    model=MODEL,
    version=version.id,
    hardware=next(client.hardware.list()).sku or "cpu",
    min_instances=0,  # nothing is paid for while nobody uses it
    max_instances=1,
)
try:
    print(client.run(deployment, {"text": "Alice"}))
finally:
    deployment.update(min_instances=0, max_instances=0)
    deployment.delete()
