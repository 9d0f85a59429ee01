"""The inputs of a map: JSON lines or CSV, parsed and validated as a whole before anything runs."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator

from ..exceptions import InvalidInputError
from ..payloads.input_schema import Inputs
from ..payloads.inputs import validate_input
from .parsing import parse_json, parse_object, parse_value, read_text

_LISTED_PROBLEMS = 5

_Row = tuple[int, dict[str, object] | InvalidInputError]
"""The number of a line from 1, and the input in it, or what is wrong with it."""


def read_inputs(source: str, inputs: Inputs) -> list[dict[str, object]]:
    """Return every input in a file.

    Args:
        source: A CSV file if its name ends so, otherwise JSON lines; "-" is JSON lines on stdin.
        inputs: What the model takes.

    Raises:
        InvalidInputError: Lines are wrong; the message names the first ones.
    """
    text = read_text(source, "INPUTS")
    parse_rows = _parse_lines
    if source.lower().endswith(".csv"):
        parse_rows = _parse_csv
    given: list[dict[str, object]] = []
    problems: list[str] = []
    for line, row in parse_rows(text, inputs):
        if isinstance(row, InvalidInputError):
            problems.append(f"Line {line}: {row}")
            continue
        problem = _problem(row, inputs)
        if problem:
            problems.append(f"Line {line}: {problem}")
        else:
            given.append(row)
    if problems:
        raise _error(problems, len(problems) + len(given), source)
    return given


def _error(problems: list[str], total: int, source: str) -> InvalidInputError:
    name = source
    if source == "-":
        name = "stdin"
    listed = problems[:_LISTED_PROBLEMS]
    if len(problems) > _LISTED_PROBLEMS:
        listed.append(f"And {len(problems) - _LISTED_PROBLEMS} more.")
    list_text = "\n  ".join(listed)
    return InvalidInputError(
        f"{len(problems)} of {total} inputs in {name} cannot be used, and nothing was sent:\n"
        f"  {list_text}"
    )


def _parse_lines(text: str, inputs: Inputs) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, parse_object(parse_json(line, "It"), inputs)
            except InvalidInputError as error:
                yield number, error


def _parse_csv(text: str, inputs: Inputs) -> Iterator[_Row]:
    csv.field_size_limit(sys.maxsize)  # a prompt may be long
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(rows, [])
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice:
            yield 1, InvalidInputError(f"the name {twice!r} stands above two columns.")
            return
        for cells in rows:
            if cells:
                yield rows.line_num, _parse_cells(names, cells, inputs)
    except csv.Error as error:
        yield rows.line_num, InvalidInputError(f"It is not CSV: {error}.")


def _parse_cells(
    names: list[str], cells: list[str], inputs: Inputs
) -> dict[str, object] | InvalidInputError:
    if len(cells) > len(names):
        return InvalidInputError(
            f"it has {len(cells)} cells below {len(names)} names; a cell with a comma in it needs "
            "quotes."
        )
    nameless = [cell for name, cell in zip(names, cells, strict=False) if cell and not name]
    if nameless:
        return InvalidInputError(f"the cell {nameless[0]!r} stands in a column without a name.")
    if "@-" in cells:
        return InvalidInputError("a cell cannot be read from stdin; a text of @- is written @@-.")
    try:
        return {
            name: parse_value(name, [cell], inputs)
            for name, cell in zip(names, cells, strict=False)
            if cell
        }
    except InvalidInputError as error:
        return error


def _problem(given: dict[str, object], inputs: Inputs) -> str:
    """Return what is wrong with an input: a misfit, or a file that cannot be sent."""
    try:
        validate_input(given)
    except InvalidInputError as error:
        return str(error)
    return "; ".join(inputs.problems(given))
