"""A large file that a model made: read in one, and piece by piece."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from . import tape
from .many import memory
from .rows import OFFICIAL, Figure, Goal, Row, check

_ENDS = 16  # bytes at both ends of a piece that tell its place


def read(peer: Any, size: int) -> dict[str, float]:
    """Measure reading the whole, and what memory it takes at its highest."""
    output = peer.run({"kind": "file", "size": size})
    before = memory("VmRSS")
    began = perf_counter()
    content = peer.read(output)
    took = perf_counter() - began
    highest = memory("VmHWM")
    check(len(content) == size, f"{len(content)} bytes of {size}")
    view, block = memoryview(content), len(tape.BLOCK)
    check(all(view[at : at + block] == tape.BLOCK[: size - at] for at in range(0, size, block)), "the bytes are others")
    return {"speed": size / 1e6 / took, "mb": highest - before}


def iterate(peer: Any, size: int) -> dict[str, float]:
    """Measure taking the pieces, each of which is looked at at its ends."""
    output = peer.run({"kind": "file", "size": size})
    got, block = 0, tape.BLOCK * 2
    before = memory("VmRSS")
    began = perf_counter()
    for piece in peer.pieces(output):
        at, end = got % len(tape.BLOCK), (got + len(piece) - _ENDS) % len(tape.BLOCK)
        if len(piece) >= _ENDS:
            check(piece[:_ENDS] == block[at : at + _ENDS] and piece[-_ENDS:] == block[end : end + _ENDS], "other bytes")
        got += len(piece)
    took = perf_counter() - began
    check(got == size, f"{got} bytes of {size}")
    return {"speed": size / 1e6 / took, "mb": memory("VmHWM") - before}


def _row(work: str, title: str, factor: float, most: float) -> Row:
    figures = (
        Figure("speed", f"{title}, speed", "MB/s", Goal(factor, OFFICIAL, least=True)),
        Figure("mb", f"{title}, memory on top", "MB", Goal(plus=most)),
    )
    return Row(f"files.{work}", title, figures, {"size": 200_000_000}, {"size": 3_000_000}, rounds=5, fresh=True, warm=False)


ROWS = [_row("read", "200 MB in one", 3, 200), _row("iterate", "200 MB in pieces", 1.4, 4)]
