"""Train a model of your own on a file of examples, print its logs, and run the new version.

python examples/train.py owner/trainer:version your-name/your-model examples.zip
"""

from __future__ import annotations

import sys
from pathlib import Path

from replicate_sync import PredictionFailed, Replicate

if len(sys.argv) != 4:
    raise SystemExit("Usage: python examples/train.py OWNER/TRAINER:VERSION YOUR/MODEL FILE.zip")
trainer, destination, examples = sys.argv[1:]
client = Replicate()

data = client.files.create(Path(examples), progress=True)
training = client.trainings.create(
    trainer, destination=destination, input={"input_images": data.url, "steps": 20}
)
print(f"{training.id} runs; Ctrl-C cancels it.")
try:
    for logs in training.stream():
        print(logs, end="")
except PredictionFailed as error:
    raise SystemExit(str(error)) from error

version = training.output["version"]
print(f"The new version is {version}.")
for number, picture in enumerate(client.run(version, {"prompt": "a lighthouse in my style"}), 1):
    print(picture.save(f"trained-{number}.png"))
