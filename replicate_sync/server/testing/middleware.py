"""What every request passes before the API: it is logged, and where a fault is set, goes wrong."""

from __future__ import annotations

import functools
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_content_length

from .. import timestamps
from ..json_types import JSONObject
from ..routes.json_responses import serialize_json
from ..routes.multipart_request import BODY
from ..routes.plain_response import phrase_of
from .chunked_body import ChunkedBody
from .faults import NO_FAULTS, Faults, FaultyResponse, RequestFaults
from .logged_response import LoggedResponse
from .request_log import LoggedRequest, RequestLog

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_MAX_BODY = 2**20  # bytes that a body may have to be logged
_STOP_CHECK_INTERVAL = 0.05  # seconds
_REMOVED: JSONObject = {"input": {}, "output": None, "logs": "", "data_removed": True}


class ResetConnection(ConnectionError):
    """Ends a request with a reset of its connection."""


class FaultMiddleware:
    """A WSGI application in front of another one.

    Args:
        application: What responds to requests.
        log: Where requests are logged.
        faults: What goes wrong with them.
        stopped: Returns whether the server has stopped.
        is_unlogged: Returns whether a path is passed on as it is, since no client requests it.
    """

    def __init__(
        self,
        application: WSGIApplication,
        log: RequestLog,
        faults: Faults,
        stopped: Callable[[], bool],
        is_unlogged: Callable[[str], bool],
    ) -> None:
        self._application = application
        self._log = log
        self._faults = faults
        self._stopped = stopped
        self._is_unlogged = is_unlogged

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Log a request, and respond to it with its faults."""
        # Some clients add the version to the base URL that they are given, others do not.
        if environ["PATH_INFO"].startswith("/v1/v1/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/v1")
        if self._is_unlogged(environ["PATH_INFO"]):
            return self._application(environ, start_response)
        request = _read_request(environ)
        self._log.add(request)
        response = LoggedResponse(start_response, functools.partial(self._log.note, request))
        faults = self._faults.take(request.method, request.path)
        try:
            if faults == NO_FAULTS:
                return response.body(self._application(environ, response.start))
            return response.body(self._respond(faults, environ, response.start))
        except ResetConnection:
            response.reset()
            raise

    def _respond(
        self, faults: RequestFaults, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self._sleep(faults.delay)
        if faults.response is not None:
            return _send(faults.response, start_response)
        if faults.replay:
            environ.pop("HTTP_LAST_EVENT_ID", None)
            environ["QUERY_STRING"] = ""
        if faults.lost:
            Response.from_app(self._application, environ, buffered=True)
            raise ResetConnection
        if faults.data_removed:
            response = Response.from_app(self._application, environ, buffered=True)
            response.data = _remove_data(response.data)
            return response(environ, start_response)
        return self._stream(self._application(environ, start_response), faults)

    def _stream(self, pieces: Iterable[bytes], faults: RequestFaults) -> Iterator[bytes]:
        events = 0
        try:
            for piece in _events(pieces):
                if piece.startswith(b"event:"):
                    if faults.stall and events == faults.stall[0]:
                        self._sleep(faults.stall[1])
                    if events == faults.reset:
                        raise ResetConnection
                    if events == faults.cut:
                        return
                    events += 1
                yield from _encode(piece, faults)
        finally:
            close = getattr(pieces, "close", None)
            if callable(close):
                close()

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopped():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(_STOP_CHECK_INTERVAL, remaining))


def _events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes together in several pieces, each of them at most one event of a stream."""
    for piece in pieces:
        *events, rest = piece.split(b"\n\n")
        yield from (event + b"\n\n" for event in events)
        if rest:
            yield rest


def _encode(piece: bytes, faults: RequestFaults) -> Iterator[bytes]:
    if faults.crlf:
        piece = piece.replace(b"\n", b"\r\n")
    if not faults.split:
        yield piece
        return
    for index in range(len(piece)):
        yield piece[index : index + 1]


def _read_request(environ: WSGIEnvironment) -> LoggedRequest:
    body = b""
    if not environ.get("CONTENT_TYPE", "").startswith("multipart/"):
        body = _read_body(environ)
    query: dict[str, str] = {}
    if environ.get("QUERY_STRING"):
        query = dict(parse_qsl(environ["QUERY_STRING"]))
    return LoggedRequest(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=query,
        headers=EnvironHeaders(_headers(environ)),
        body=body,
        time=timestamps.now(),
    )


def _headers(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return the part of an environment that is the headers, without the token."""
    return {
        key: value
        for key, value in environ.items()
        if key.startswith(("HTTP_", "CONTENT_")) and key != "HTTP_AUTHORIZATION"
    }


def _read_body(environ: WSGIEnvironment) -> bytes:
    """Return a body that is small enough to be logged, and leave it to be read again."""
    source = environ["wsgi.input"]
    length = get_content_length(environ)
    if length is None and environ.get("wsgi.input_terminated"):
        chunked = ChunkedBody(source, _MAX_BODY)
        environ["wsgi.input"] = chunked
        return chunked.start if chunked.complete else b""
    if not 0 < (length or 0) <= _MAX_BODY:
        return b""
    body: bytes = source.read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    if len(body) == length:
        environ[BODY] = body
    return body


def _send(response: FaultyResponse, start_response: StartResponse) -> list[bytes]:
    if not response.status:
        raise ResetConnection
    status = f"{response.status} {phrase_of(response.status)}"
    headers = [("Content-Type", response.type), ("Content-Length", str(len(response.body)))]
    start_response(status, [*headers, *response.headers])
    return [response.body]


def _remove_data(body: bytes) -> bytes:
    shown = json.loads(body)
    if isinstance(shown, dict) and "data_removed" in shown:
        return serialize_json({**shown, **_REMOVED})
    return body
