"""Make pictures of what is described, and save them here.

python examples/image.py a lighthouse at dusk
"""

from __future__ import annotations

import os
import sys

import replicate_sync

prompt = " ".join(sys.argv[1:]) or "a lighthouse at dusk"
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()

pictures = client.run(
    "black-forest-labs/flux-schnell",
    {"prompt": prompt, "num_outputs": 2, "output_format": "png"},
)
for number, picture in enumerate(pictures, 1):
    print(picture.save(f"picture-{number}.png"))
