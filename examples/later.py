"""Start a prediction and leave; come back for its result with its id.

python examples/later.py                 prints an id
python examples/later.py ID              waits for the result
"""

from __future__ import annotations

import os
import sys

import replicate_sync

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
if len(sys.argv) == 1:
    prediction = client.predictions.create("replicate/hello-world", {"text": "Alice"})
    print(prediction.id)
    # The local server ends with this program, and so does the prediction on it.
    if online:
        raise SystemExit
else:
    prediction = client.predictions.get(sys.argv[1])

for update in prediction.events():
    print(update.status)
print(prediction.result())
