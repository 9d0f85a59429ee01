"""Make pictures of what is described, and save them here.

python examples/image.py a lighthouse at dusk
"""

from __future__ import annotations

import sys

from replicate_sync import Replicate

prompt = " ".join(sys.argv[1:]) or "a lighthouse at dusk"
client = Replicate()

pictures = client.run(
    "black-forest-labs/flux-schnell",
    {"prompt": prompt, "num_outputs": 2, "output_format": "png"},
)
for number, picture in enumerate(pictures, 1):
    print(picture.save(f"picture-{number}.png"))
