"""Write down what is said in a recording.

python examples/transcribe.py interview.mp3
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import replicate_sync
from replicate_sync import ReplicateError

if len(sys.argv) != 2:
    raise SystemExit("Usage: python examples/transcribe.py RECORDING")
recording = Path(sys.argv[1])

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
transcribe = client.use("openai/gpt-4o-mini-transcribe", expect=str)
try:
    text = transcribe(audio_file=recording)
except ReplicateError as error:
    raise SystemExit(str(error)) from error
target = recording.with_suffix(".txt")
target.write_text(text, encoding="utf-8")
print(f"{len(text.split())} words: {target}")
