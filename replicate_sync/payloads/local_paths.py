"""Texts that are the names of files on this machine, where a file was meant."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

_MAX_LENGTH = 1024  # characters of a path
# Compiled when they are first needed.
_SUFFIX = r"\.\w{1,12}$"
_FILE_SCHEME = r"(?i)file:/+(localhost/)?"
_WINDOWS_PATH = r"[A-Za-z]:[\\/]|\\\\\w"


def is_name_of_file(text: str) -> bool:
    r"""Return whether a text can only be meant as a file of this machine.

    Args:
        text: A whole text, such as "cat.png", "~/cat.png", r"C:\cat.png", "file:///tmp/cat.png".
    """
    if len(text) > _MAX_LENGTH or "\n" in text:
        return False
    if re.match(_FILE_SCHEME, text):
        return True
    if not re.search(_SUFFIX, text):
        return False
    return bool(re.match(_WINDOWS_PATH, text)) or os.path.isfile(os.path.expanduser(text))


def path_expression(text: str) -> str:
    """Return how a file is given whose name was given: "Path('cat.png')"."""
    beginning = re.match(_FILE_SCHEME, text)
    if beginning:
        text = unquote(text[beginning.end() :])
        if not re.match(_WINDOWS_PATH, text):
            text = f"/{text}"
    if "\\" in text and "'" not in text:
        return f"Path(r'{text}')"
    return f"Path({text!r})"
