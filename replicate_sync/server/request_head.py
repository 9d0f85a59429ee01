"""The head of a request, from its bytes to a WSGI environment."""

from __future__ import annotations

import functools
import re
import string
import urllib.parse
from io import BufferedIOBase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_MAX_LINE = 2**16  # bytes
_MAX_HEADERS = 100
_EMPTY = (b"\r\n", b"\n")
_SPACE = " \t\r\n"
_REQUEST_LINE = re.compile(r"([!-~]+) (\S+) (HTTP/1\.[0-9])\r?\n")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BadRequest(Exception):
    """What was received is no HTTP request."""


def read_head(source: BufferedIOBase) -> WSGIEnvironment | None:
    """Return what the head of the next request says, as WSGI names it; None where there is none.

    Headers of one name are joined with a comma. One whose name has an underscore is left out, as
    it could be taken for one with a dash.

    Args:
        source: What the client sends.

    Raises:
        BadRequest: It is none, is too long, or ends early.
    """
    line = source.readline(_MAX_LINE)
    while line in _EMPTY:  # a client may send empty lines before a request
        line = source.readline(_MAX_LINE)
    if not line:
        return None
    environ = _parse_request_line(line)
    for _ in range(_MAX_HEADERS + 1):
        line = source.readline(_MAX_LINE)
        if line in _EMPTY:
            _split_target(environ)
            return environ
        _add_header(line, environ)
    raise BadRequest


def _parse_request_line(line: bytes) -> WSGIEnvironment:
    match = _REQUEST_LINE.fullmatch(line.decode("latin-1"))
    if match is None:
        raise BadRequest
    method, target, protocol = match.groups()
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": protocol,
        "REQUEST_URI": target,
    }


def _add_header(line: bytes, environ: WSGIEnvironment) -> None:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or not value.endswith("\n"):
        raise BadRequest
    key = _key(name)
    if key in environ:
        environ[key] += f",{value.strip(_SPACE)}"
    elif key:
        environ[key] = value.strip(_SPACE)


def _split_target(environ: WSGIEnvironment) -> None:
    target: str = environ["REQUEST_URI"]
    if not target.startswith("/") and "://" in target:  # as a client sends it to a proxy
        host = _host_of(target)
        environ["HTTP_HOST"] = host
        target = target.partition("://")[2].removeprefix(host)
    path, _, query = target.partition("?")
    if "%" in path:
        path = urllib.parse.unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    if not query.isascii():  # some clients leave bytes as they are, in UTF-8 or not
        query = urllib.parse.quote(query.encode("latin-1"), safe=string.punctuation)
    environ["PATH_INFO"] = path
    environ["QUERY_STRING"] = query


def _host_of(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).netloc
    except ValueError:
        raise BadRequest from None


@functools.lru_cache(maxsize=256)
def _key(name: str) -> str:
    """Return the name of a header in a WSGI environment, "" for one to leave out."""
    if not _NAME.fullmatch(name):
        raise BadRequest
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return key
    return f"HTTP_{key}"
