"""Give a model a number of seconds. What takes longer is canceled, and not paid for any further.

python examples/time_limit.py 60
"""

from __future__ import annotations

import os
import sys

import replicate_sync
from replicate_sync import PredictionTimeout

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
prompt = {"prompt": "Tell me about rivers.", "max_tokens": 200}

try:
    text = client.run("meta/meta-llama-3-70b-instruct", prompt, deadline=seconds)
except PredictionTimeout as error:
    # A timeout cancels nothing: to wait on, call error.prediction.wait().
    if error.prediction is not None:
        error.prediction.cancel()
    raise SystemExit(f"Not done in {seconds} s.") from error
print(text)
