"""Call a model as a function, whose parameters are the model's inputs.

python examples/model_as_function.py
"""

from __future__ import annotations

import os

import replicate_sync
from replicate_sync import FileOutput, InvalidInputError

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
flux = client.use("black-forest-labs/flux-schnell", expect=list[FileOutput])
print(flux.inputs)

try:
    flux(promt="a lighthouse")
except InvalidInputError as error:
    print(error)  # nothing was sent

for number, picture in enumerate(flux(prompt="a lighthouse", num_outputs=2), 1):
    print(picture.save(f"function-{number}.webp"))
