"""A response to which nothing is added on its way: of JSON, or a stream of events."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class PlainResponse:
    """A response, as a WSGI application.

    Almost every request gets one of these, and Werkzeug's own takes several times as long.

    Args:
        status: The status code.
        headers: Names and values.
        body: The pieces of the body; where there is a `close`, it is called at the end.

    Attributes:
        status_code: The status code.
        headers: Names and values, to which others may be added.
    """

    def __init__(self, status: int, headers: list[tuple[str, str]], body: Iterable[bytes]) -> None:
        self.status_code: int = status
        self.headers: list[tuple[str, str]] = headers
        self._body = body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Begin the response, and return its body."""
        start_response(f"{self.status_code} {phrase_of(self.status_code)}", self.headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return ()
        return self._body


AnyResponse: TypeAlias = Response | PlainResponse


@functools.cache
def phrase_of(status: int) -> str:
    """Return the name of a status code, also of one that no standard has."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
