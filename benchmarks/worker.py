"""Does tasks with one peer: `python -m benchmarks.worker PEER URL`.

Each line of stdin is a task and its arguments, as JSON; each line of stdout what the task returned.
"""

from __future__ import annotations

import gc
import json
import sys
import traceback
from importlib import import_module


def main() -> None:
    """Do the tasks of stdin until it ends."""
    name, url = sys.argv[1:]
    peer = import_module(f"benchmarks.peers.{name}").Peer(url)
    results = sys.stdout
    sys.stdout = sys.stderr  # nothing that a library prints is a result
    for line in sys.stdin:
        task, arguments = json.loads(line)
        module, _, function = task.partition(".")
        gc.collect()
        try:
            result = getattr(import_module(f"benchmarks.{module}"), function)(peer, **arguments)
        except Exception as error:  # the runner decides what it means
            traceback.print_exc()
            result = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), file=results, flush=True)


if __name__ == "__main__":
    main()
