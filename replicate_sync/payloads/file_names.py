"""Names of files from elsewhere, made fit for any file system and any header."""

from __future__ import annotations

import os

_MAX_LENGTH = 255  # bytes of a name on the usual file systems
_MAX_SUFFIX_LENGTH = 32  # bytes; what is longer is no suffix
_SEPARATORS = frozenset("/\\")


def clean_name(name: str) -> str:
    """Return a file's name without what would make it another path, or hide what it says.

    Separators, control characters and bytes that are not UTF-8 become "_", and a name never begins
    with a dot.

    Args:
        name: The name, as a URL, a path or a sender has it.

    Returns:
        The name; "" where nothing is left of it.
    """
    # What stands for a byte that is not UTF-8 is not printable either.
    text = "".join("_" if one in _SEPARATORS or not one.isprintable() else one for one in name)
    return text.strip().lstrip(".").strip()


def numbered_name(name: str, number: int) -> str:
    """Return a name with a number before its suffix, shortened to what a file system takes.

    Args:
        name: The name.
        number: The number; 0 leaves the name as it is, but for its length.
    """
    stem, suffix = os.path.splitext(name)
    if len(suffix.encode()) > _MAX_SUFFIX_LENGTH:
        stem = name
        suffix = ""
    end = suffix
    if number:
        end = f"-{number}{suffix}"
    room = _MAX_LENGTH - len(end.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + end
