"""Tables as text."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from .terminal import printable

_GAP = "  "
# Characters: a longer word may be broken. Ids and names are not, so that they can be copied.
_UNBROKEN_WORD = 40


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is, or None where it is none."""
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def format_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None
) -> str:
    """Return rows below a head.

    Args:
        head: The names of the columns.
        rows: The cells of each row.
        width: Into how many columns of characters to fit the table, by wrapping long cells; None
            for as many as it takes.
    """
    lines = [list(head), *([printable(" ".join(cell.split())) for cell in row] for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, cells)) for cells in columns]
    if width is not None:
        room = width - len(_GAP) * (len(widths) - 1)
        widths = fit_widths(widths, [_least_width(cells) for cells in columns], room)
    return "\n".join(_format_line(line, widths) for line in lines)


def fit_widths(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return column widths that fit, made by narrowing the widest columns.

    Args:
        widths: The widths that the columns would like to have.
        least: Below these they are not narrowed, even if the table does not fit then.
        room: The width for all columns together.
    """
    fitted = list(widths)
    while sum(fitted) > room:
        flexible = [column for column in range(len(fitted)) if fitted[column] > least[column]]
        if not flexible:
            break
        widest = max(flexible, key=lambda column: fitted[column])
        fitted[widest] -= 1
    return fitted


def _least_width(cells: Sequence[str]) -> int:
    longest_word = max((len(word) for cell in cells for word in cell.split()), default=1)
    return min(_UNBROKEN_WORD, longest_word)


def _format_line(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        textwrap.wrap(cell, max(1, width), break_on_hyphens=False)
        for cell, width in zip(line, widths, strict=True)
    ]
    parts = zip_longest(*cells, fillvalue="")
    return "\n".join(_GAP.join(map(str.ljust, part, widths)).rstrip() for part in parts)
