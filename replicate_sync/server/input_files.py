"""File inputs as files of this machine: fetched from the server itself and from allowed hosts.

A client chooses the URL of a file input, and could choose one that only this machine reaches. So
nothing is fetched but what the server has itself, and what it was told that it may fetch.
"""

from __future__ import annotations

import base64
import pathlib
import re
import tempfile
import urllib.parse
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from . import media_types
from .files import Files
from .hosts import loopback
from .job_context import Failed

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_UPLOAD_PATH = re.compile(r"/v1/files/([^/]+)(?:/download)?")
_OUTPUT_PATH = re.compile(r"/outputs/([^/]+)/([^/]+)")
_FETCH_TIMEOUT = 30  # seconds


class Content(NamedTuple):
    """What a file input leads to.

    Attributes:
        data: The content.
        suffix: The suffix of its name, with the dot, or "".
    """

    data: bytes
    suffix: str


class InputFiles:
    """Where the file inputs of a server's predictions come from.

    Args:
        files: The files of the server.
        allowed_hosts: The hosts that are fetched from: names, each with its port or, for any
            port, without.
        limit: How many bytes a file may have.
    """

    def __init__(self, files: Files, allowed_hosts: Collection[str], limit: int) -> None:
        self._files = files
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._limit = limit

    def save(self, uri: str, folder: str, origin: str) -> pathlib.Path | str:
        """Return the path of a copy of an input, in `folder`.

        A URL of a machine that is neither this one nor allowed is returned as it is.

        Args:
            uri: A `data:` URI or a URL. That of an upload shows what is known about the file; here
                it stands for its content.
            folder: Where the copy is written.
            origin: Scheme, host and port of this server as the client knows them.

        Raises:
            Failed: The file is not allowed, does not exist, or is too large.
        """
        parts = _split(uri)
        if parts.scheme == "data":
            return _write(_decode_data_uri(uri), folder)
        content = self._own(parts, origin)
        if content is None:
            if parts.scheme not in ("http", "https") or not self._is_allowed(parts):
                return self._refuse(parts, uri)
            content = self._fetch(uri, parts)
        return _write(content, folder)

    def _own(self, parts: urllib.parse.SplitResult, origin: str) -> Content | None:
        """Return what the server itself has, or None for a URL that leads elsewhere."""
        if not _is_same_server(parts, _split(origin)):
            return None
        upload_match = _UPLOAD_PATH.fullmatch(parts.path)
        if upload_match is not None:
            upload = self._files.uploads.get(upload_match[1])
            if upload is None:
                raise Failed(f"File not found: {parts.geturl()}")
            suffix = _safe_suffix(pathlib.PurePosixPath(upload.name).suffix)
            return Content(upload.blob.data, suffix or media_types.suffix_of_type(upload.type))
        output_match = _OUTPUT_PATH.fullmatch(parts.path)
        if output_match is None:
            return None
        output = self._files.get(output_match[1], output_match[2])
        if output is None:
            raise Failed(f"File not found: {parts.geturl()}")
        return Content(output.blob.data, pathlib.PurePosixPath(parts.path).suffix)

    def _is_allowed(self, parts: urllib.parse.SplitResult) -> bool:
        netloc = parts.netloc.rpartition("@")[2].lower()
        return netloc in self._allowed_hosts or (parts.hostname or "") in self._allowed_hosts

    def _refuse(self, parts: urllib.parse.SplitResult, uri: str) -> str:
        if loopback(parts.hostname):
            raise Failed(
                f"This local server fetches no file from {parts.netloc}. Upload the file, or start "
                f'the server with file_hosts=["{parts.netloc}"].'
            )
        return uri

    def _fetch(self, uri: str, parts: urllib.parse.SplitResult) -> Content:
        try:
            with _opener().open(uri, timeout=_FETCH_TIMEOUT) as response:
                data: bytes = response.read(self._limit + 1)
        except (OSError, ValueError) as error:
            raise Failed(f"The file at {uri} could not be fetched: {error}") from None
        if len(data) > self._limit:
            raise Failed(f"The file at {uri} has more than {self._limit} bytes.")
        return Content(data, pathlib.PurePosixPath(parts.path).suffix)


def _opener() -> OpenerDirector:
    """Return what opens URLs, through no proxy.

    A redirect is an error, as it could lead to a host that is not allowed.
    """
    from urllib import request  # late, as few servers fetch files

    opener = request.OpenerDirector()
    opener.add_handler(request.HTTPHandler())
    opener.add_handler(request.HTTPSHandler())
    opener.add_handler(request.HTTPErrorProcessor())
    opener.add_handler(request.HTTPDefaultErrorHandler())
    return opener


def _split(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError:  # an address or a port that is none
        raise Failed(f"This is no URL: {url[:200]}") from None
    return parts


def _is_same_server(one: urllib.parse.SplitResult, other: urllib.parse.SplitResult) -> bool:
    """Return whether a URL leads to this server, which may have several names."""
    if one.scheme not in ("http", "https"):
        return False
    if one.netloc == other.netloc:
        return True
    return loopback(one.hostname) and one.port == other.port


def _decode_data_uri(uri: str) -> Content:
    head, _, body = uri[len("data:") :].partition(",")
    data = urllib.parse.unquote_to_bytes(body)
    if head.endswith(";base64"):
        try:
            data = base64.b64decode(data)
        except ValueError as error:
            raise Failed(f"This is no data: URI ({error}): {uri[:100]}") from None
    return Content(data, media_types.suffix_of_type(head))


def _write(content: Content, folder: str) -> pathlib.Path:
    suffix = _safe_suffix(content.suffix)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as file:
        file.write(content.data)
    return pathlib.Path(file.name)


def _safe_suffix(suffix: str) -> str:
    # It comes from the client, and must not lead to another folder.
    if re.fullmatch(r"\.[\w+-]{1,30}", suffix):
        return suffix
    return ""
