"""Runs Cog's HTTP server for as long as this process's standard input is open.

A program of its own, for the Python that has Cog, and the first process of a group of its own. When
its input ends, which it also does where the process that holds it is killed, the group ends, and
Cog's worker with it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def end_with_input() -> None:
    """Kill the whole group at the end of the input."""
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    sys.argv = ["cog.server.http", "--host", "127.0.0.1"]
    runpy.run_module("cog.server.http", run_name="__main__")
