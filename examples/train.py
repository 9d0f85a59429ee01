"""Train a model of your own on a file of examples, print its logs, and run the new version.

python examples/train.py owner/trainer your-name/your-model examples.zip
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import replicate_sync
from replicate_sync import ModelNotFoundError, PredictionFailed

if len(sys.argv) != 4:
    raise SystemExit("Usage: python examples/train.py OWNER/TRAINER YOUR/MODEL FILE.zip")
trainer, destination, examples = sys.argv[1:]
online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()

version = client.models.get(trainer).latest_version
if version is None:
    raise SystemExit(f"{trainer} has no version.")
try:
    client.models.get(destination)
except ModelNotFoundError:
    sku = next(client.hardware.list()).sku or ""
    client.models.create(destination, visibility="private", hardware=sku)

data = client.files.create(Path(examples), progress=True)
training = client.trainings.create(
    f"{trainer}:{version.id}",
    destination=destination,
    input={"input_images": data.url, "steps": 20},
)
print(f"{training.id} runs; Ctrl-C cancels it.")
try:
    for logs in training.stream():
        print(logs, end="")
except PredictionFailed as error:
    raise SystemExit(str(error)) from error

new = training.output["version"]
print(f"The new version is {new}.")
for number, picture in enumerate(client.run(new, {"prompt": "a lighthouse in my style"}), 1):
    print(picture.save(f"trained-{number}.png"))
