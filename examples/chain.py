"""Give one model's picture to the next model. Stopped and started again, no step is paid twice.

python examples/chain.py "a lighthouse at dusk"
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import replicate_sync

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
# A local server forgets its predictions when it ends, and so must their journal.
folder = Path() if online else Path(tempfile.mkdtemp())
journal = folder / "chain.db"
prompt = " ".join(sys.argv[1:]) or "a lighthouse at dusk"

[picture] = client.run(
    "black-forest-labs/flux-schnell", {"prompt": prompt}, journal=journal, save="chain"
)
print(picture.path)
title = client.run(
    "openai/gpt-5-mini",
    {"prompt": "Write a title for this picture.", "image_input": [picture.path]},
    journal=journal,
)
print(title)
