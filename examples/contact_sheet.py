"""Make a picture for each of several prompts, and put all of them on one sheet.

python examples/contact_sheet.py spring summer autumn winter
"""

from __future__ import annotations

import os
import sys

from PIL import Image

import replicate_sync

COLUMNS = 2
SIZE = 256  # pixels

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
prompts = [f"a lighthouse in {season}" for season in sys.argv[1:] or ("summer", "winter")]
inputs = [{"prompt": prompt, "seed": 7, "num_outputs": 1} for prompt in prompts]

rows = -(-len(prompts) // COLUMNS)
sheet = Image.new("RGB", (COLUMNS * SIZE, rows * SIZE), "white")
results = client.map("black-forest-labs/flux-schnell", inputs, concurrency=4)
for number, [picture] in enumerate(results):
    tile = picture.image().convert("RGB").resize((SIZE, SIZE))
    row, column = divmod(number, COLUMNS)
    sheet.paste(tile, (column * SIZE, row * SIZE))
sheet.save("sheet.png")
print(f"{len(prompts)} pictures: sheet.png")
