"""Upload a file once, and use it for several predictions.

python examples/upload_once.py cat.png
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import replicate_sync

if len(sys.argv) != 2:
    raise SystemExit("Usage: python examples/upload_once.py PICTURE")
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
picture = client.files.create(Path(sys.argv[1]))
print(f"{picture.name}: {picture.size} bytes until {picture.expires_at}")

questions = ("What is this?", "Which colors does it have?", "Where might that be?")
inputs = [{"prompt": question, "image_input": [picture.url]} for question in questions]
try:
    for question, reply in zip(questions, client.map("openai/gpt-5-mini", inputs), strict=True):
        print(question, reply)
finally:
    client.files.delete(picture.id or "")
