"""Which paths are those of pages; what is at them is imported when the first one is opened."""

from __future__ import annotations

import re

_PAGE_PATH = re.compile(r"/|/(m|p|requests|webhooks|live|static|login)(/.*)?")


def is_page_path(path: str) -> bool:
    """Return whether a path is that of a page, and not of the API."""
    return _PAGE_PATH.fullmatch(path) is not None
