"""URLs in bodies: while recording, those of the API's hosts lead to the recording server."""

from __future__ import annotations

import hashlib
import pathlib
import re
import urllib.parse
from collections.abc import Callable

from .exchanges import ORIGIN

_API = ("https://api.replicate.com",)
_FILE_HOST = re.compile(r"(.*\.)?(replicate\.delivery|replicate\.com)")
PREFIX = "/proxied/"
"""The beginning of the paths that stand for URLs of other hosts than the API's."""


class ProxiedUrls:
    """The URLs of files and streams on other hosts, by the path that stands for each.

    The path has no query, in which URLs of files have their signatures.

    Args:
        upstream: Scheme, host and port of the API that is recorded.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._urls: dict[str, str] = {}

    def url(self, path: str) -> str | None:
        """Return the URL that a path stands for, or None."""
        return self._urls.get(path)

    def to_local(self, text: str) -> str:
        """Return a URL of the API or of its files as one of the recording server, with {origin}.

        Any other text stays as it is.
        """
        if not text.startswith(("http://", "https://")) or any(letter <= " " for letter in text):
            return text
        for origin in (self._upstream, *_API):
            if text.startswith((f"{origin}/v1/", f"{origin}/p/")) and "?" not in text:
                return f"{ORIGIN}{text.removeprefix(origin)}"
        if not self._is_of_api(text):
            return text
        return f"{ORIGIN}{self._path(text)}"

    def _is_of_api(self, url: str) -> bool:
        try:
            host = urllib.parse.urlsplit(url).hostname or ""
        except ValueError:
            return False
        if url.startswith((f"{self._upstream}/", *(f"{origin}/" for origin in _API))):
            return True
        return _FILE_HOST.fullmatch(host) is not None and host != "replicate.com"

    def _path(self, url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        name = pathlib.PurePosixPath(parts.path).name or "file"
        # The same in every run; the query has a signature, which is another one each time.
        digest = hashlib.sha256(f"{parts.netloc}{parts.path}".encode()).hexdigest()[:16]
        path = f"{PREFIX}{digest}/{urllib.parse.quote(name[-80:])}"
        self._urls[urllib.parse.unquote(path)] = url
        return path


def map_strings(value: object, change: Callable[[str], str]) -> object:
    """Return a JSON value whose strings, but not the keys, are changed."""
    if isinstance(value, dict):
        return {key: map_strings(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, str):
        return change(value)
    return value
