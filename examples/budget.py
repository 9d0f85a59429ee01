"""Make pictures until a sum of money is spent, and show what was paid for.

python examples/budget.py 0.01
"""

from __future__ import annotations

import os
import sys
from itertools import count

import replicate_sync
from replicate_sync import MapError

FLUX = "black-forest-labs/flux-schnell"
PRICES = {FLUX: {"image": 0.003}}  # dollars; see the model's page on Replicate

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
client = client.with_options(prices=PRICES)
budget = float(sys.argv[1]) if len(sys.argv) > 1 else 0.01

inputs = ({"prompt": f"a lighthouse, number {number}"} for number in count(1))
try:
    for [picture] in client.map(FLUX, inputs, budget=budget, concurrency=1):
        print(picture.save("pictures/"))
except MapError as error:
    print(error)
print(client.usage)
