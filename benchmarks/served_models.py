"""The server that `local_server` measures; it imports nothing that a user's own would not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from replicate_sync.server import LocalServer


def main() -> None:
    """Serve two models until stdin ends."""
    with LocalServer() as server:

        @server.model("bench/echo")
        def echo(count: int) -> int:
            return count

        @server.model("bench/write")
        def write(count: int) -> Iterator[str]:
            from .tape import word  # late, as it makes a large file to send

            return map(word, range(count))

        print(json.dumps([server.port, server.token, _megabytes()]), flush=True)
        sys.stdin.read()


def _megabytes() -> float:
    """Return how much memory this process has, where Linux says so."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
