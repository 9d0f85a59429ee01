"""Run the smallest model, and print what it returns.

python examples/hello.py Alice
"""

from __future__ import annotations

import os
import sys

import replicate_sync

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
name = sys.argv[1] if len(sys.argv) > 1 else "world"

greeting = client.run("replicate/hello-world", {"text": name})
print(greeting)
