"""Search for a model, and show what it takes.

python examples/find_model.py flux
"""

from __future__ import annotations

import os
import sys

import replicate_sync
from replicate_sync import ModelNotFoundError

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
query = " ".join(sys.argv[1:]) or "flux"

models = client.search(query, limit=5).models
for model in models:
    print(f"{model.reference}: {model.description}")
if not models:
    raise SystemExit(f"No model matches {query!r}.")
try:
    print(client.models.inputs(models[0].reference))
except ModelNotFoundError as error:
    print(error)  # a model without a version has no inputs
