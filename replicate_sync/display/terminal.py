r"""Text of models as a terminal may get it.

A terminal takes orders in the text that it shows: colors, the title of the window, what is in the
clipboard. They begin with a control character, so none of those reaches it:

    "a\x1b]52;c;…\x07b\n"  ->  "a␛]52;c;…␇b\n"
"""

from __future__ import annotations

import re
from collections.abc import Callable

_KEPT = "\n\t"
_REPLACEMENT = "\ufffd"
_PICTURES: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT},
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    0x7F: "\u2421",
    ord("\r"): "",  # it would let a line be overwritten
}
_SURROGATES = "[\ud800-\udfff]"  # compiled when first needed


def printable(text: str) -> str:
    """Return a text with a visible sign in the place of each control character."""
    return _without_surrogates(text.translate(_PICTURES))


def text_for(stream: object, text: str) -> str:
    """Return a text as it may be written to a stream: unchanged, unless that is a terminal.

    A character that the stream cannot encode, such as half of a surrogate pair, is replaced.

    Args:
        stream: A text stream, or what a program has put in the place of stdout.
        text: The text.
    """
    is_terminal: Callable[[], bool] | None = getattr(stream, "isatty", None)
    if is_terminal is not None and is_terminal():
        text = printable(text)
    text = _without_surrogates(text)
    encoding: str = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _without_surrogates(text: str) -> str:
    return re.sub(_SURROGATES, _REPLACEMENT, text)
