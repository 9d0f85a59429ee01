"""The notebook that this program may run in: what is shown there, and shown anew.

IPython is never imported: where a notebook runs, it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from secrets import token_hex
from time import monotonic
from typing import Any

_REFRESH = 0.08  # seconds between two renderings of a text that grows; a browser needs as long for one


def kernel() -> Any:
    """Give the IPython shell of the notebook that this runs in, or None in a script, a console or a terminal."""
    shell = _shell()
    return shell if getattr(shell, "kernel", None) is not None else None


def shows_text_only() -> bool:
    """Whether this is IPython in a terminal, where fetching a picture in order to show it would be in vain."""
    formatter = getattr(_shell(), "display_formatter", None)
    return formatter is not None and list(formatter.active_types) == ["text/plain"]


def teach(kind: type, html: Callable[[Any], str | None]) -> None:
    """Let the notebook show values of a builtin type as `html` says; None leaves them as they are.

    A type that somebody else has taught it stays as it is.
    """
    formatter = getattr(_shell(), "display_formatter", None)
    known = formatter.formatters.get("text/html") if formatter is not None else None
    if known is None or kind in known.type_printers:
        return

    def shown(value: Any) -> str | None:
        if type(value) is kind:
            return html(value)
        own = getattr(value, "_repr_html_", None)  # a subclass that shows itself
        return own() if callable(own) else None

    known.for_type(kind, shown)


class Pane:
    """One output of the running cell, which can be shown anew; nothing where there is no notebook."""

    def __init__(self) -> None:
        self._id = token_hex(16)
        self._there = False

    def show(self, data: Mapping[str, str]) -> None:
        """Show this, by MIME type, in place of what was shown before."""
        if shell := kernel():
            transient = {"display_id": self._id}
            shell.display_pub.publish(data=dict(data), metadata={}, transient=transient, update=self._there)
            self._there = True


class Shown(str):
    """A text that a person has seen already: as a cell's last value it is not shown once more."""

    def _ipython_display_(self) -> None:
        """Show nothing."""


def show(pieces: Iterable[str]) -> str:
    """Show a text as it is written, and give it: rendered as Markdown in a notebook, printed elsewhere.

    `pieces`: what `chat` or `stream` give, or any strings. HTML in the text is shown, and not run. What had come stays
    where the pieces end with an error or the cell is stopped; a generator is closed then, which cancels its prediction.
    """
    told: list[str] = []
    try:
        if kernel():
            _render(pieces, told)
        else:
            for piece in pieces:
                told.append(piece)
                print(piece, end="", flush=True)
            if told and not told[-1].endswith("\n"):
                print()
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
    return Shown("".join(told))


def _render(pieces: Iterable[str], told: list[str]) -> None:
    pane, next_time, unseen = Pane(), 0.0, False
    try:
        for piece in pieces:
            told.append(piece)
            unseen = True
            if monotonic() >= next_time:
                _show_markdown(pane, told)
                next_time, unseen = monotonic() + _REFRESH, False
    finally:
        if unseen:
            _show_markdown(pane, told)


def _show_markdown(pane: Pane, told: list[str]) -> None:
    from .markdown import without_html  # late, as only a notebook needs it

    told[:] = ["".join(told)]
    pane.show({"text/markdown": without_html(told[0]), "text/plain": told[0]})


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    get = getattr(ipython, "get_ipython", None)
    return get() if get else None
