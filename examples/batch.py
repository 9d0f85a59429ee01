"""Run a model on every line of a file; stopped and started again, it creates nothing twice.

python examples/batch.py prompts.txt answers.jsonl
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import replicate_sync
from replicate_sync import ReplicateError

if len(sys.argv) != 3:
    raise SystemExit("Usage: python examples/batch.py PROMPTS.txt ANSWERS.jsonl")
try:
    prompts = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
except (OSError, UnicodeError) as error:
    raise SystemExit(f"The prompts cannot be read: {error}") from error
answers = Path(sys.argv[2])
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()

results = client.map(
    "google-deepmind/gemma-2b-it",
    ({"prompt": prompt, "max_new_tokens": 60} for prompt in prompts),
    concurrency=8,
    on_error="return",
    journal=answers.with_suffix(".db"),
)

failed = 0
with answers.open("w", encoding="utf-8") as file:
    for prompt, result in zip(prompts, results, strict=True):
        line = {"prompt": prompt}
        if isinstance(result, ReplicateError):
            line["error"] = str(result)
            failed += 1
        else:
            line["answer"] = result
        file.write(json.dumps(line, ensure_ascii=False) + "\n")

print(f"{len(prompts) - failed} answered, {failed} failed: {answers}")
