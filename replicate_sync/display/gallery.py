"""The files in a list, side by side in a notebook.

IPython calls `side_by_side` for every list and tuple that a cell displays, so it does no more work
than IPython's own pretty printer: at most `MAX_ITEMS` items are looked at, and the first one that
cannot be in a gallery ends it. The items of lists in the list count as well:

    [file, [file, None], error]   four cells: two files, "None", and the error's message
    [file, 1]                     no gallery
    [file, file, …]               the first `MAX_ITEMS`, and a note that says how many more
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard

from ..exceptions import ReplicateError
from . import html

MAX_ITEMS = 1000  # `max_seq_length` of IPython's pretty printer
MAX_DEPTH = 20  # of lists in lists
MAX_FILE_SIZE = 32 * 2**20  # bytes of one file that a notebook keeps
MAX_TOTAL_SIZE = 96 * 2**20  # bytes of all files that one output of a notebook keeps


class Embeddable(Protocol):
    """A file that can be displayed in a notebook, with its content in the HTML."""

    @property
    def mime_type(self) -> str:
        """Its MIME type."""
        ...

    def to_html(self, max_size: int) -> tuple[str, int]:
        """Return the file as HTML, and how many bytes of its content are in that.

        Args:
            max_size: The most bytes that may be in it; a longer file is displayed from its URL.
        """
        ...


def side_by_side(values: Sequence[object]) -> str | None:
    """Return the files in a list as HTML for a notebook, side by side.

    Args:
        values: Results of models, also in lists. An error or None is a note in its place.

    Returns:
        HTML; None if the list contains no file, or anything else.
    """
    gallery = _Gallery()
    if not gallery.collect(values) or not gallery.has_files:
        return None
    cells = embed(gallery.items)
    if gallery.skipped_count:
        cells.append(html.note(f"… and {gallery.skipped_count:,} more"))
    return html.row(cells)


def embed(items: Sequence[Embeddable | ReplicateError | None]) -> list[str]:
    """Return each of several files as HTML, with as much content in it as a notebook keeps."""
    cells = []
    remaining = MAX_TOTAL_SIZE
    for item in items:
        if item is None or isinstance(item, ReplicateError):
            cell = html.note(str(item))
        else:
            cell, size = item.to_html(min(remaining, MAX_FILE_SIZE))
            remaining -= size
        cells.append(cell)
    return cells


class _Gallery:
    """The items of a list and of the lists in it, as far as they are looked at."""

    def __init__(self) -> None:
        self.items: list[Embeddable | ReplicateError | None] = []
        self.has_files = False
        #: How many items were not looked at; a list among them counts as one.
        self.skipped_count = 0
        self._visited_count = 0
        self._open_lists: list[Sequence[object]] = []

    def collect(self, values: Sequence[object]) -> bool:
        """Add the items of a list, and return whether all of them can be in a gallery."""
        is_cyclic = any(values is outer for outer in self._open_lists)
        if is_cyclic or len(self._open_lists) == MAX_DEPTH:
            return False
        self._open_lists.append(values)
        for position, value in enumerate(values):
            if self._visited_count == MAX_ITEMS:
                self.skipped_count += len(values) - position
                break
            self._visited_count += 1
            if not self._add(value):
                return False
        self._open_lists.pop()
        return True

    def _add(self, value: object) -> bool:
        if isinstance(value, list | tuple):
            return self.collect(value)
        if value is None or isinstance(value, ReplicateError):
            self.items.append(value)
            return True
        if _is_embeddable(value):
            self.items.append(value)
            self.has_files = True
            return True
        return False


def _is_embeddable(value: object) -> TypeGuard[Embeddable]:
    # The class is asked, as a proxy has whatever attribute it is asked for. A data frame has a
    # method `to_html` too, with other arguments, but no MIME type.
    kind = type(value)
    return hasattr(kind, "to_html") and hasattr(kind, "mime_type")
