"""`python -m benchmarks.profiles`: where the processor time of five rows goes, by py-spy.

The profile of another commit is made by a copy of this folder in a checkout of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import starting, tape
from .processes import ROOT, Server, environment
from .rows import OURS

_RATE = 1000  # samples a second
_FUNCTIONS = 8  # that are named of each row
_STARTS = 10  # processes, as one alone is over after a few samples

# What a function belongs to, by a part of its file's path; the first that fits.
_PLACES = {
    "benchmarks/": "the benchmark",
    "replicate_sync/": "this package",
    "requests/": "requests",
    "urllib3/": "urllib3",
    "sseclient/": "sseclient",
    "http/client": "http.client",
    "socket.py": "sockets",
    "json/": "json",
    "threading": "threads",
    "concurrent/": "threads",
    "queue": "threads",
}
_TASKS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a map at 64": ("many.throughput", {"number": 10_000, "seconds": 0.02, "width": 64}),
    "events, one in a chunk": ("streaming.cost", {"count": 100_000, "piece": 0}),
    "events, in chunks of 16 kB": ("streaming.cost", {"count": 400_000, "piece": 16384}),
    "the first call of a process": ("waiting.result", {"seconds": 0.0, "held": True}),
}


def main() -> None:
    """Profile the rows one after the other, and print them as Markdown."""
    with Server() as server:
        for title, (task, arguments) in _TASKS.items():
            order = json.dumps([task, arguments])
            command = ["-m", "benchmarks.worker", OURS, server.url]
            times = 1
            if task == "waiting.result":
                times = _STARTS
            function = task.partition(".")[2]
            _print_row(title, _profile(command, order, times, f"{function} (benchmarks/"))
        line, program = starting.program_of(OURS)
        plan = {"kind": "events", "count": 4}
        names = f"url, ref, token, plan = {server.url!r}, {tape.REF!r}, {tape.TOKEN!r}, {plan!r}\n"
        code = f"{line}\ndone = print\n{names}{program}"
        _print_row("process start to first token", _profile(["-c", code], "", _STARTS, "(<string>"))


def _profile(command: list[str], order: str, times: int, part: str) -> Counter[str]:
    """Return how often each stack of a Python program was met.

    Args:
        command: The arguments of Python.
        order: Its input.
        times: How many processes are started.
        part: What a stack has in it that counts; those of other threads count as well.
    """
    stacks: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "profile")
        spy = ["py-spy", "record", "--gil", "--rate", str(_RATE), "--format", "raw"]
        for _ in range(times):
            subprocess.run(
                [*spy, "--output", str(path), "--", sys.executable, *command],
                input=order,
                text=True,
                check=True,
                capture_output=True,
                cwd=ROOT,
                env=environment(),
            )
            for line in path.read_text(encoding="utf-8").splitlines():
                stack, _, count = line.rpartition(" ")
                if part in stack or "_bootstrap (threading" in stack:
                    stacks[stack] += int(count)
    return stacks


def _print_row(title: str, stacks: Counter[str]) -> None:
    total = stacks.total()
    places: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for stack, count in stacks.items():
        places[_place_of(stack)] += count
        functions[stack.rpartition(";")[2].rpartition(":")[0]] += count
    shares = ", ".join(f"{place} {_share(count, total)}" for place, count in places.most_common())
    print(f"### {title}\n\n{total:,} samples: {shares}.\n\n| function | share |\n|---|--:|")
    for function, count in functions.most_common(_FUNCTIONS):
        name, _, path = function.partition(" (")
        place = "/".join(Path(path).parts[-2:])
        print(f"| `{name}` in `{place}` | {_share(count, total)} |")
    print(flush=True)


def _place_of(stack: str) -> str:
    """Return what the innermost function belongs to; what is imported, to its importer."""
    for function in reversed(stack.split(";")):
        if "<frozen" not in function:
            break
    for part, place in _PLACES.items():
        if part in function:
            return place
    return "the rest of Python"


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %"


if __name__ == "__main__":
    main()
