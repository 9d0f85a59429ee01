"""Tables, in a terminal and where there is none."""

from __future__ import annotations

import sys

import pytest

from replicate_sync.display.tables import fit_widths, format_table, terminal_width


def test_the_widest_columns_are_narrowed_and_none_below_a_word() -> None:
    assert fit_widths([10, 40, 60], [10, 10, 10], 80) == [10, 35, 35]
    assert fit_widths([26, 30, 19], [26, 30, 10], 40) == [26, 30, 10]
    assert fit_widths([1, 2], [1, 1], 10) == [1, 2]
    assert fit_widths([5, 5], [1, 1], 9) == [4, 5]


def test_a_table_that_is_piped_keeps_each_row_on_its_line() -> None:
    table = format_table(("a", "b"), [("x" * 50, "two\nlines " * 30)])
    assert table.count("\n") == 1
    assert format_table(("a", "bb"), [("ccc", "d")]) == "a    bb\nccc  d"


def test_in_a_terminal_long_cells_are_wrapped_in_their_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert terminal_width() is None
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    rows = [("an-id-of-10", "one two three"), ("b", "")]
    table = format_table(("id", "text"), rows, terminal_width())
    assert table.splitlines() == [
        "id           text",
        "an-id-of-10  one two",
        "             three",
        "b",
    ]
