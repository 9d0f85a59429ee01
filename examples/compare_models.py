"""Ask several models the same question at the same time, and compare replies, time and tokens.

python examples/compare_models.py "Why is the sky blue?"
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import replicate_sync
from replicate_sync import ReplicateError

MODELS = ("meta/meta-llama-3-70b-instruct", "google-deepmind/gemma-2b-it", "openai/gpt-5-mini")

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
question = " ".join(sys.argv[1:]) or "Why is the sky blue?"


def ask(model: str) -> str:
    """Return a table's row: what a model replies, and what it took. Any thread may use a client."""
    try:
        prediction = client.predictions.create(model, {"prompt": question})
        reply = " ".join(prediction.result().split())
    except ReplicateError as error:
        return f"{model}: {error}"
    return f"{model} ({prediction.predict_time} s, {prediction.output_tokens} tokens): {reply}"


with ThreadPoolExecutor() as threads:
    for row in threads.map(ask, MODELS):
        print(row)
