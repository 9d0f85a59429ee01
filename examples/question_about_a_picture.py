"""Ask a model about a picture.

python examples/question_about_a_picture.py cat.png "What is in the background?"
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import replicate_sync

if len(sys.argv) != 3:
    raise SystemExit("Usage: python examples/question_about_a_picture.py PICTURE QUESTION")
picture, question = Path(sys.argv[1]), sys.argv[2]

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
messages = [{"role": "user", "content": [question, picture]}]
try:
    for text in client.chat(messages, "openai/gpt-5-mini"):
        print(text, end="", flush=True)
except replicate_sync.ReplicateError as error:
    raise SystemExit(str(error)) from error
print()
