"""A large file that a model made: read at once, and piece by piece."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from . import tape
from .many import memory
from .rows import OFFICIAL, Figure, Goal, Row, check

_EDGE = 16  # bytes at both ends of a piece that show its position


def read(peer: Any, size: int) -> dict[str, float]:
    """Measure reading the whole, and the memory that it takes at its highest."""
    output = peer.run({"kind": "file", "size": size})
    before = memory("VmRSS")
    began = perf_counter()
    content = peer.read(output)
    seconds = perf_counter() - began
    highest = memory("VmHWM")
    check(len(content) == size, f"{len(content)} bytes of {size}")
    view = memoryview(content)
    block = len(tape.BLOCK)
    for start in range(0, size, block):
        check(view[start : start + block] == tape.BLOCK[: size - start], "other bytes")
    return {"speed": size / 1e6 / seconds, "mb": highest - before}


def iterate(peer: Any, size: int) -> dict[str, float]:
    """Measure taking the pieces; the ends of each are compared."""
    output = peer.run({"kind": "file", "size": size})
    blocks = tape.BLOCK * 2
    received = 0
    before = memory("VmRSS")
    began = perf_counter()
    for piece in peer.pieces(output):
        if len(piece) >= _EDGE:
            start = received % len(tape.BLOCK)
            end = (received + len(piece) - _EDGE) % len(tape.BLOCK)
            is_same = piece[:_EDGE] == blocks[start : start + _EDGE]
            check(is_same and piece[-_EDGE:] == blocks[end : end + _EDGE], "other bytes")
        received += len(piece)
    seconds = perf_counter() - began
    check(received == size, f"{received} bytes of {size}")
    return {"speed": size / 1e6 / seconds, "mb": memory("VmHWM") - before}


def _row(task: str, title: str, factor: float, most: float) -> Row:
    return Row(
        f"files.{task}",
        title,
        (
            Figure("speed", f"{title}, speed", "MB/s", Goal(factor, OFFICIAL, least=True)),
            Figure("mb", f"{title}, memory on top", "MB", Goal(plus=most)),
        ),
        {"size": 200_000_000},
        {"size": 3_000_000},
        fresh=True,
        warm=False,
    )


ROWS = [_row("read", "200 MB in one", 3, 200), _row("iterate", "200 MB in pieces", 1.4, 4)]
