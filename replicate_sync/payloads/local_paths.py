"""Texts that are the names of files on this machine, where a file was meant."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

_MAX_LENGTH = 1024  # characters of a path
_SUFFIX = re.compile(r"\.\w{1,12}$")
#: Finds in the name of an input that it takes a text, and so no file, as far as the name tells.
TEXT_NAME: re.Pattern[str] = re.compile(
    r"prompt|text|message|caption|query|question|stop", re.IGNORECASE
)
_FILE_SCHEME = re.compile(r"file:/+(localhost/)?", re.IGNORECASE)
_WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\\w")


def is_name_of_file(text: str) -> bool:
    r"""Return whether a text can only be meant as a file of this machine.

    Args:
        text: A whole text, such as "cat.png", "~/cat.png", r"C:\cat.png", "file:///tmp/cat.png".
    """
    if len(text) > _MAX_LENGTH or "\n" in text:
        return False
    if _FILE_SCHEME.match(text):
        return True
    if not _SUFFIX.search(text):
        return False
    return bool(_WINDOWS_PATH.match(text)) or os.path.isfile(os.path.expanduser(text))


def path_expression(text: str) -> str:
    """Return how a file is given whose name was given: "Path('cat.png')"."""
    beginning = _FILE_SCHEME.match(text)
    if beginning:
        text = unquote(text[beginning.end() :])
        if not _WINDOWS_PATH.match(text):
            text = f"/{text}"
    if "\\" in text and "'" not in text:
        return f"Path(r'{text}')"
    return f"Path({text!r})"
