"""Many predictions at a time: time, connections, memory and processor time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from .rows import FLOOR, OFFICIAL, OURS, Figure, Goal, Row, check


def wall(peer: Any, number: int, seconds: float, width: int) -> dict[str, float]:
    """Measure many predictions on new connections, over the time that the models alone take."""
    peer = type(peer)(peer.url)
    began = perf_counter()
    ends = [float(output) for output in peer.many(plans(number, seconds), width)]
    duration = perf_counter() - began
    check(len(ends) == number and began + seconds <= min(ends), f"{len(ends)} of {number}")
    return {"ratio": duration / (number * seconds / width), "width": float(width)}


def throughput(peer: Any, number: int, seconds: float, width: int) -> dict[str, float]:
    """Measure the processor time of each, and how the memory grows from the first tenth on."""
    peer = type(peer)(peer.url)
    count = 0
    early_memory = 0.0
    began = perf_counter()
    began_working = process_time()
    for output in peer.many(plans(number, seconds), width):
        check(float(output) >= began, "the output is not the time at which it ended")
        count += 1
        if count == number // 10:
            early_memory = memory("VmRSS")
    check(count == number, f"{count} results of {number}")
    worked = process_time() - began_working
    duration = perf_counter() - began
    return {
        "us": 1e6 * worked / number,
        "mb": memory("VmRSS") - early_memory,
        "rate": number / duration,
    }


def memory(name: str) -> float:
    """Return this process's memory in MB: "VmRSS" now, "VmHWM" at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def plans(number: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield so many inputs."""
    for _ in range(number):
        yield {"kind": "timed", "seconds": seconds, "held": True}


_WALL = "500 predictions of 0.2 s at 16"
_MAP = "10,000 predictions of 0.02 s at 64"

ROWS = [
    Row(
        "many.wall",
        _WALL,
        (
            Figure("ratio", f"{_WALL}, time over ideal", "×", Goal(plus=1.05)),
            Figure("connections", f"{_WALL}, connections", "", Goal(plus=16)),
            Figure("requests", f"{_WALL}, requests", "", Goal(plus=500)),
        ),
        {"number": 500, "seconds": 0.2, "width": 16},
        {"number": 32, "seconds": 0.02},
        rounds=2,
        warm=False,
    ),
    Row(
        "many.throughput",
        _MAP,
        (
            Figure("us", f"{_MAP}, processor time of each", "µs", Goal(plus=1200)),
            Figure("mb", f"{_MAP}, memory grown since the first 1,000", "MB", Goal(plus=2)),
            Figure("rate", f"{_MAP}, each second", "1/s"),
        ),
        {"number": 10_000, "seconds": 0.02, "width": 64},
        {"number": 100, "seconds": 0.0},
        (FLOOR, OFFICIAL, OURS),
        rounds=1,
        fresh=True,
        warm=False,
    ),
]
