"""Run a model on every line of a file. Stop it at any moment and start it again: nothing is created or paid for twice.

python examples/batch.py prompts.txt answers.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from replicate_sync import Replicate, ReplicateError

prompts = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
answers = Path(sys.argv[2])
client = Replicate()

inputs = ({"prompt": prompt, "max_new_tokens": 60} for prompt in prompts)
results = client.map(
    "google-deepmind/gemma-2b-it", inputs, concurrency=8, on_error="return", journal=answers.with_suffix(".db")
)

failed = 0
with answers.open("w", encoding="utf-8") as file:
    for prompt, result in zip(prompts, results, strict=True):
        failed += isinstance(result, ReplicateError)
        line = {"prompt": prompt, **({"error": str(result)} if isinstance(result, ReplicateError) else {"answer": result})}
        file.write(json.dumps(line, ensure_ascii=False) + "\n")

print(f"{len(prompts) - failed} answered, {failed} failed: {answers}")
