"""What every request passes before the API: it is noted down, and where a fault is set, it goes wrong here."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.wrappers import Response

from .. import timestamps
from ..routes.json_responses import encode
from .faults import Answer, Faults, Trouble
from .request_log import Request, Requests

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_KEPT = 2**20  # bytes that a body may have to be noted down
_REMOVED: dict[str, Any] = {"input": {}, "output": None, "logs": "", "data_removed": True}


class Reset(ConnectionError):
    """Ends a request with a reset of its connection."""


class Gate:
    """A WSGI application before another one."""

    def __init__(
        self, application: WSGIApplication, requests: Requests, faults: Faults, stopped: Callable[[], bool]
    ) -> None:
        self._application = application
        self._requests, self._faults = requests, faults
        self._stopped = stopped

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Some clients add the version to the base URL that they are given, others do not.
        if environ["PATH_INFO"].startswith("/v1/v1/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/v1")
        request = _read(environ)
        self._requests.keep(request)
        trouble = self._faults.take(request.method, request.path)
        if trouble == Trouble():
            return self._application(environ, start_response)
        return self._spoilt(trouble, environ, start_response)

    def _spoilt(self, trouble: Trouble, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._rest(trouble.slow)
        if trouble.answer is not None:
            return _say(trouble.answer, start_response)
        if trouble.replay:
            environ.pop("HTTP_LAST_EVENT_ID", None)
            environ["QUERY_STRING"] = ""
        if trouble.lost:
            Response.from_app(self._application, environ, buffered=True)
            raise Reset
        if trouble.removed:
            response = Response.from_app(self._application, environ, buffered=True)
            response.data = _without_data(response.data)
            return response(environ, start_response)
        return self._streamed(self._application(environ, start_response), trouble)

    def _streamed(self, pieces: Iterable[bytes], trouble: Trouble) -> Iterator[bytes]:
        count = 0
        try:
            for piece in pieces:
                if piece.startswith(b"event:"):
                    if trouble.stall and count == trouble.stall[0]:
                        self._rest(trouble.stall[1])
                    if count == trouble.torn:
                        raise Reset
                    if count == trouble.cut:
                        return
                    count += 1
                whole = piece.replace(b"\n", b"\r\n") if trouble.crlf else piece
                yield from (whole[at : at + 1] for at in range(len(whole))) if trouble.split else (whole,)
        finally:
            close = getattr(pieces, "close", None)
            if callable(close):
                close()

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stopped():
            time.sleep(min(0.05, left))


def _read(environ: WSGIEnvironment) -> Request:
    length, kind = environ.get("CONTENT_LENGTH", ""), environ.get("CONTENT_TYPE", "")
    body = b""
    if length.isdecimal() and 0 < int(length) <= _KEPT and not kind.startswith("multipart/"):
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    headers = Headers([pair for pair in EnvironHeaders(environ) if pair[0].lower() != "authorization"])
    return Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, headers, body, timestamps.now())


def _say(answer: Answer, start_response: StartResponse) -> list[bytes]:
    if not answer.status:
        raise Reset
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    about = [("Content-Type", answer.type), ("Content-Length", str(len(answer.body)))]
    start_response(status, [*about, *answer.headers])
    return [answer.body]


def _without_data(body: bytes) -> bytes:
    shown: Any = json.loads(body)
    return encode({**shown, **_REMOVED}) if isinstance(shown, dict) and "data_removed" in shown else body
