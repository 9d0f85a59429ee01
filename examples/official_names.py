"""A program for Replicate's official client, of which only the import was changed.

python examples/official_names.py
"""

from __future__ import annotations

import os

import replicate_sync
import replicate_sync.official as replicate

client = replicate.Client()
if "REPLICATE_API_TOKEN" not in os.environ:
    server = replicate_sync.local().server
    client = replicate.Client(api_token=server.token, base_url=server.url)

print(client.run("replicate/hello-world", input={"text": "Alice"}))

llama = "meta/meta-llama-3-70b-instruct"
for event in client.stream(llama, input={"prompt": "Tell me about rivers.", "max_tokens": 20}):
    print(str(event), end="")
print()

prediction = client.predictions.create(model="replicate/hello-world", input={"text": "Bob"})
prediction.wait()
print(prediction.status, prediction.output)
