"""Does works with one peer: `python -m benchmarks.worker PEER URL`, and an order a line, as JSON: work and given."""

from __future__ import annotations

import gc
import json
import sys
import traceback
from importlib import import_module


def main() -> None:
    """Do what is ordered until stdin ends."""
    name, url = sys.argv[1:]
    peer = import_module(f"benchmarks.peers.{name}").Peer(url)
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing that a library prints is an answer
    for line in sys.stdin:
        work, given = json.loads(line)
        group, _, function = work.partition(".")
        gc.collect()
        try:
            found = getattr(import_module(f"benchmarks.{group}"), function)(peer, **given)
        except Exception as error:  # what becomes of it is the runner's to say
            traceback.print_exc()
            found = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
