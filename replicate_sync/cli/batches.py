"""The inputs of a map: a file of JSON lines, or a table, read and checked as a whole before anything runs."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any

from .. import inputs as library
from ..errors import InvalidInputError
from ..schemas import Inputs
from . import values

_SHOWN = 5  # wrong lines that an error names


def read(source: str, inputs: Inputs) -> list[dict[str, Any]]:
    """Read every input in `source`: a CSV file, where its name ends so, else JSON lines; "-" is JSON lines on stdin.

    Raises InvalidInputError that names the wrong lines.
    """
    text = values.file_text(source, "INPUTS")
    rows = _table(text, inputs) if source.lower().endswith(".csv") else _lines(text, inputs)
    found, wrong = [], []
    for line, given in rows:
        if isinstance(given, InvalidInputError):
            wrong.append(f"Line {line}: {given}")
        elif problem := _problem(given, inputs):
            wrong.append(f"Line {line}: {problem}")
        else:
            found.append(given)
    if wrong:
        more = [f"And {len(wrong) - _SHOWN} more."] if len(wrong) > _SHOWN else []
        listed = "\n  ".join([*wrong[:_SHOWN], *more])
        name = "stdin" if source == "-" else source
        of = f"{len(wrong)} of {len(wrong) + len(found)} inputs in {name} cannot be used"
        raise InvalidInputError(f"{of}, and nothing was sent:\n  {listed}")
    return found


_Row = tuple[int, "dict[str, Any] | InvalidInputError"]


def _lines(text: str, inputs: Inputs) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, values.document(values.parsed(line, "It"), inputs)
            except InvalidInputError as error:
                yield number, error


def _table(text: str, inputs: Inputs) -> Iterator[_Row]:
    csv.field_size_limit(sys.maxsize)  # a prompt may be long
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(rows, [])
        for cells in rows:
            if not cells:
                continue
            try:
                yield rows.line_num, _row(names, cells, inputs)
            except InvalidInputError as error:
                yield rows.line_num, error
    except csv.Error as error:
        yield rows.line_num, InvalidInputError(f"It is not CSV: {error}.")


def _row(names: list[str], cells: list[str], inputs: Inputs) -> dict[str, Any]:
    if len(cells) > len(names):
        raise InvalidInputError(
            f"it has {len(cells)} cells below {len(names)} names; a cell with a comma in it needs quotes."
        )
    if "@-" in cells:
        raise InvalidInputError("a cell cannot be read from stdin; a text of @- is written @@-.")
    return {name: values.value(name, [cell], inputs) for name, cell in zip(names, cells, strict=False) if cell}


def _problem(given: Any, inputs: Inputs) -> str | None:
    """Say what is wrong with an input: what does not fit the model, or a file in it that cannot be sent."""
    try:
        library.checked(given)
    except InvalidInputError as error:
        return str(error)
    return "; ".join(inputs.problems(given)) or None
