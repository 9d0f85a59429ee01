"""Add a column to a CSV file: what a model makes of another column.

pip install pandas
python examples/pandas_column.py names.csv name greetings.csv
"""

from __future__ import annotations

import os
import sys

import pandas as pd

import replicate_sync
from replicate_sync import ReplicateError

if len(sys.argv) != 4:
    raise SystemExit("Usage: python examples/pandas_column.py TABLE.csv COLUMN NEW.csv")
source, column, target = sys.argv[1:]
frame = pd.read_csv(source)

online = "REPLICATE_API_TOKEN" in os.environ
client = replicate_sync.Replicate() if online else replicate_sync.local()
inputs = ({"text": str(value)} for value in frame[column])
results = list(
    client.map("replicate/hello-world", inputs, on_error="return", journal=f"{target}.db")
)
failed = [isinstance(result, ReplicateError) for result in results]
frame["greeting"] = [None if isinstance(result, ReplicateError) else result for result in results]
frame.to_csv(target, index=False)
print(f"{len(results) - sum(failed)} rows, {sum(failed)} failed: {target}")
