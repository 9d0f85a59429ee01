"""Describe every picture of a folder in a CSV file; started again, it goes on where it was.

python examples/caption_folder.py pictures captions.csv
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import replicate_sync

if len(sys.argv) != 3:
    raise SystemExit("Usage: python examples/caption_folder.py FOLDER CAPTIONS.csv")
folder, target = Path(sys.argv[1]), Path(sys.argv[2])
pictures = sorted(path for path in folder.glob("*") if path.suffix in (".jpg", ".png", ".webp"))

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
captions = client.map(
    "openai/gpt-5-mini",
    ({"prompt": "Describe this picture.", "image_input": [picture]} for picture in pictures),
    on_error="return",
    journal=target.with_suffix(".db"),
)
with target.open("w", encoding="utf-8", newline="") as file:
    table = csv.writer(file)
    table.writerow(["picture", "caption", "error"])
    for picture, caption in zip(pictures, captions, strict=True):
        if isinstance(caption, replicate_sync.ReplicateError):
            table.writerow([picture.name, "", str(caption)])
        else:
            table.writerow([picture.name, caption, ""])
print(f"{len(pictures)} pictures: {target}")
