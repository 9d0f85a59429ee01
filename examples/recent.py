"""List the newest predictions of the account, and save the pictures that they made.

python examples/recent.py 10
"""

from __future__ import annotations

import os
import sys

import replicate_sync
from replicate_sync import ReplicateError

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
number = int(sys.argv[1]) if len(sys.argv) > 1 else 10
if not online:
    client.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse"})

for prediction in client.predictions.list(limit=number):
    print(prediction.created_at, prediction.status, prediction.model, prediction.id)
    if prediction.status != "succeeded":
        continue
    try:
        # A prediction of a list has no output; Replicate keeps it for an hour.
        prediction.reload()
        prediction.save("recent")
    except ReplicateError as error:
        print(f"  {error}")
