"""Print a model's text as it is written, stop where there is enough, and show what it cost.

python examples/stream.py
"""

from __future__ import annotations

import os

import replicate_sync
from replicate_sync import StreamError

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
prediction = client.predictions.create(
    "google-deepmind/gemma-2b-it", {"prompt": "Rivers.", "min_new_tokens": 100}
)

written = 0
stream = prediction.stream()
try:
    for text in stream:
        print(text, end="", flush=True)
        written += len(text)
        if written > 200:
            break
except StreamError as error:
    print(f"\nIt broke after {len(error.text)} characters: {error}")
stream.close()  # which cancels the prediction, so that nothing more is paid for

prediction.reload()
print(f"\n-- {prediction.status}, {written} characters, {prediction.predict_time} s are billed")
