"""The notebook that this program may run in: what is displayed there, and updated in its place.

IPython is never imported: wherever a notebook runs, it is already loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from secrets import token_hex
from time import monotonic
from typing import Protocol, TypeGuard, TypeVar

_REFRESH = 0.08  # seconds between two renderings of a growing text; a browser needs as long for one

_Value = TypeVar("_Value")


class DisplayPublisher(Protocol):
    """What sends outputs to the notebook: a shell's `display_pub`."""

    def publish(
        self,
        *,
        data: dict[str, str],
        metadata: dict[str, object],
        transient: dict[str, str],
        update: bool,
    ) -> object:
        """Display data by MIME type, or update the output with the same display id."""
        ...


class TypeFormatter(Protocol):
    """What makes one MIME type, such as HTML, of values."""

    #: The formatters that are registered, by type.
    type_printers: Mapping[type, object]

    def for_type(self, kind: type[_Value], formatter: Callable[[_Value], str | None]) -> object:
        """Register a formatter for a type."""
        ...


class DisplayFormatter(Protocol):
    """What makes everything that is displayed of a value: a shell's `display_formatter`."""

    #: The MIME types that the front end takes.
    active_types: Sequence[str]
    #: The formatters by MIME type.
    formatters: Mapping[str, TypeFormatter]

    def format(self, value: object) -> tuple[dict[str, str], dict[str, object]]:
        """Return what is displayed of a value, by MIME type, and its metadata."""
        ...


class Shell(Protocol):
    """What is used of IPython's shell."""

    display_pub: DisplayPublisher
    display_formatter: DisplayFormatter


def current_kernel() -> Shell | None:
    """Return the IPython shell of the notebook that this runs in.

    Returns:
        The shell, or None in a script or a terminal.
    """
    shell = _current_shell()
    if getattr(shell, "kernel", None) is None:
        return None
    return shell


def is_text_only() -> bool:
    """Return whether this is IPython in a terminal, where a picture would be fetched in vain."""
    formatter = _display_formatter()
    return formatter is not None and list(formatter.active_types) == ["text/plain"]


def register_html(kind: type[_Value], formatter: Callable[[_Value], str | None]) -> None:
    """Have the notebook display the values of a builtin type as HTML.

    Nothing happens where there is no IPython, or where somebody else has registered a formatter for
    the type already.

    Args:
        kind: The type. Its subclasses keep their own `_repr_html_`, which a registered formatter
            would hide.
        formatter: Returns HTML for a value, or None to leave the value as it is.
    """
    display_formatter = _display_formatter()
    if display_formatter is None:
        return
    html_formatter = display_formatter.formatters.get("text/html")
    if html_formatter is None or kind in html_formatter.type_printers:
        return

    def format_value(value: _Value) -> str | None:
        if type(value) is kind:
            return formatter(value)
        own_formatter: Callable[[], str | None] | None = getattr(value, "_repr_html_", None)
        return own_formatter() if callable(own_formatter) else None

    html_formatter.for_type(kind, format_value)


class Pane:
    """One output of the running cell that can be updated; nothing where there is no notebook."""

    def __init__(self) -> None:
        self._display_id = token_hex(16)
        self._is_displayed = False

    def show(self, data: Mapping[str, str], metadata: Mapping[str, object] | None = None) -> None:
        """Display data in place of what was displayed before.

        Args:
            data: The same content by MIME type; the front end takes the richest that it knows.
            metadata: What else the front end may need, by MIME type.
        """
        shell = current_kernel()
        if shell is None:
            return
        shell.display_pub.publish(
            data=dict(data),
            metadata=dict(metadata or {}),
            transient={"display_id": self._display_id},
            update=self._is_displayed,
        )
        self._is_displayed = True


class DisplayedText(str):
    """A text that has been displayed: as the last value of a cell, it is not displayed again."""

    def _ipython_display_(self) -> None:
        """Display nothing."""


def show(value: object) -> str:
    """Display a text as it is written, a picture, a list of pictures, a prediction, or any value.

    Text is rendered as Markdown in a notebook and printed elsewhere. HTML in it is displayed, not
    run. If it ends with an error, or the cell is stopped, what has arrived stays; a generator is
    then closed, which cancels its prediction.

    Args:
        value: What `chat` or `stream` return, or any strings; what `run` or `map` return; a
            prediction; None.

    Returns:
        The whole text; "" where there was none.

    Raises:
        ReplicateError: As the generator that is displayed raises.

    Examples:
        >>> client.server.script("me/poet", tokens=["A ", "river."])
        >>> text = show(client.stream("me/poet"))
        A river.
    """
    try:
        if isinstance(value, str):
            return DisplayedText(_show_pieces([value]))
        if _is_list_of_text(value) or _is_iterator(value):
            return DisplayedText(_show_pieces(value))
        _display(value)
        return DisplayedText()
    finally:
        if isinstance(value, Generator):
            value.close()


def _is_list_of_text(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, list | tuple) and all(isinstance(piece, str) for piece in value)


def _is_iterator(value: object) -> TypeGuard[Iterator[object]]:
    """Return whether a value is to be iterated over: not where it displays itself, as a list."""
    return isinstance(value, Iterator) and not hasattr(type(value), "_repr_html_")


def _show_pieces(pieces: Iterable[object]) -> str:
    """Display the pieces of a text as they come, and anything between them on its own."""
    texts: list[str] = []
    view = _new_view()
    try:
        for piece in pieces:
            if isinstance(piece, str):
                view.write(piece)
            else:
                view.close()
                texts.append(view.text)
                view = _new_view()
                _display(piece)
    finally:
        view.close()
    return "".join([*texts, view.text])


def _display(value: object) -> None:
    """Display a value as a notebook does, or print it."""
    shell = _current_shell()
    if shell is None:
        _print(f"{value!r}\n")
        return
    data, metadata = shell.display_formatter.format(value)
    if current_kernel() is None:
        _print(f"{data.get('text/plain', '')}\n")
    else:
        Pane().show(data, metadata)


def _print(text: str) -> None:
    from .terminal import text_for  # late, as only what is printed needs it

    print(text_for(sys.stdout, text), end="", flush=True)


def _new_view() -> _View:
    if current_kernel() is None:
        return _PrintedView()
    return _MarkdownView()


class _View(Protocol):
    """Where a growing text is displayed."""

    @property
    def text(self) -> str:
        """The text so far."""

    def write(self, piece: str) -> None:
        """Append to the text."""

    def close(self) -> None:
        """Display what is not displayed yet."""


class _PrintedView:
    """A growing text on stdout; its last line is ended."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def write(self, piece: str) -> None:
        """Print a piece."""
        self._pieces.append(piece)
        _print(piece)

    def close(self) -> None:
        """End the last line."""
        if self._pieces and not self._pieces[-1].endswith("\n"):
            _print("\n")


class _MarkdownView:
    """A growing text in a pane, rendered as Markdown."""

    def __init__(self) -> None:
        self._pane = Pane()
        self._pieces: list[str] = []
        self._is_current = True
        self._next_refresh = 0.0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def write(self, piece: str) -> None:
        """Append to the text; it is rendered now, or soon."""
        self._pieces.append(piece)
        self._is_current = False
        if monotonic() >= self._next_refresh:
            self.refresh()
            self._next_refresh = monotonic() + _REFRESH

    def close(self) -> None:
        """Render what has not been rendered yet."""
        self.refresh()

    def refresh(self) -> None:
        """Render the text, if it has grown."""
        from .markdown import escape_html  # late, as only a notebook needs it

        if self._is_current:
            return
        text = self.text
        self._pieces[:] = [text]
        self._pane.show({"text/markdown": escape_html(text), "text/plain": text})
        self._is_current = True


def _display_formatter() -> DisplayFormatter | None:
    return getattr(_current_shell(), "display_formatter", None)


def _current_shell() -> Shell | None:
    """Return the shell of IPython in a notebook or a terminal, or None."""
    get_ipython: Callable[[], Shell | None] | None
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython else None
