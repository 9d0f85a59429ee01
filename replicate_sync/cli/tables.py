"""Tables for people: as wide as the terminal, and as wide as need be where nobody looks."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

_GAP = "  "
_WORD = 40  # characters: a longer word may be broken; ids and names are not, so that they can be copied


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write rows below a head. In a terminal, long cells are wrapped within their columns."""
    lines = [tuple(head), *(tuple(" ".join(cell.split()) for cell in row) for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, cells)) for cells in columns]
    if sys.stdout.isatty():
        floors = [min(_WORD, max(len(word) for cell in cells for word in cell.split())) for cells in columns]
        widths = fitted(widths, floors, shutil.get_terminal_size().columns - len(_GAP) * (len(widths) - 1))
    return "\n".join(_written(line, widths) for line in lines)


def fitted(widths: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """Make the widest columns narrower until all have room, none below its floor."""
    found = list(widths)
    while sum(found) > room and (wide := [i for i in range(len(found)) if found[i] > floors[i]]):
        found[max(wide, key=found.__getitem__)] -= 1
    return found


def _written(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(line, widths, strict=True)]
    return "\n".join(_GAP.join(map(str.ljust, part, widths)).rstrip() for part in zip_longest(*cells, fillvalue=""))
