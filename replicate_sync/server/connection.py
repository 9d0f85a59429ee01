"""One connection of a client: its requests, one after the other, and their responses."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import io
import logging
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from werkzeug.serving import DechunkedInput

from .request_head import BadRequest, read_head
from .streams import CLIENT_SOCKET
from .testing.middleware import ResetConnection

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

_logger = logging.getLogger("replicate_sync.server")
_MAX_READ = 2**20  # bytes of a body that are read before the application is called
_MAX_UNREAD_SECONDS = 1.0  # of silence, while what nobody reads is received
_NO_BODY = (204, 304)
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """A client's connection, which is kept for the next request.

    It is closed after a request whose body may not have been read whole, as there is no telling
    where the next one begins.

    Args:
        client: The socket.
        address: The address of the client.
        server: Host and port of the server.
        application: What responds to the requests.
    """

    def __init__(
        self,
        client: socket.socket,
        address: str,
        server: tuple[str, int],
        application: WSGIApplication,
    ) -> None:
        self._client = client
        self._source = client.makefile("rb")
        self._application = application
        self._environ: WSGIEnvironment = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "REMOTE_ADDR": address,
            CLIENT_SOCKET: client,
        }

    def serve(self) -> None:
        """Respond to every request, until the client or the server closes the connection."""
        with self._client, self._source, contextlib.suppress(OSError):  # the client may leave
            try:
                while self._serve_next():
                    pass
                # A process that was forked meanwhile holds the connection open.
                self._client.shutdown(socket.SHUT_WR)
            except BadRequest:
                self._client.sendall(_BAD_REQUEST)
                self._read_rest()
            except ResetConnection:  # it is one when the connection is closed
                linger = struct.pack("ii", 1, 0)
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _serve_next(self) -> bool:
        """Respond to one request, and return whether there may be another one."""
        head = read_head(self._source)
        if head is None:
            return False
        environ = {**self._environ, **head}
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._client.sendall(_CONTINUE)
        read_whole = self._take_body(environ)
        response = _Response(self._client.sendall, environ, keep=read_whole)
        self._respond(environ, response)
        if not read_whole:
            self._read_rest()
        return response.keep

    def _respond(self, environ: WSGIEnvironment, response: _Response) -> None:
        try:
            pieces = self._application(environ, response.start)
            try:
                for piece in pieces:
                    response.write(piece)
                response.end()
            finally:
                close = getattr(pieces, "close", None)
                if callable(close):
                    close()
        except (ConnectionError, TimeoutError):  # of the client, or of a fault
            raise
        except Exception:
            _logger.exception("Error on request:")
            response.fail()

    def _take_body(self, environ: WSGIEnvironment) -> bool:
        """Set where the application reads the body, and return whether it has been received."""
        environ["wsgi.input"] = self._source
        if "HTTP_TRANSFER_ENCODING" in environ:
            whole = cast("IO[bytes]", _WholeReads(self._source))
            environ["wsgi.input"] = DechunkedInput(whole)
            environ["wsgi.input_terminated"] = True
            return False
        length = environ.get("CONTENT_LENGTH", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > _MAX_READ:
            return False
        body = self._source.read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        return len(body) == int(length)

    def _read_rest(self) -> None:
        """Read what the client still sends: closing before would take the response from it."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
            self._client.settimeout(_MAX_UNREAD_SECONDS)
            while self._source.read1(2**20):
                pass


class _Response:
    """One response, from what a WSGI application calls and yields to the bytes to send.

    Args:
        send: Sends bytes to the client.
        environ: The request.
        keep: Whether the connection may be kept.

    Attributes:
        keep: Whether the connection is kept.
    """

    def __init__(
        self, send: Callable[[bytes], object], environ: WSGIEnvironment, keep: bool
    ) -> None:
        self._send = send
        self._method = environ["REQUEST_METHOD"]
        self._newest = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._chunked = False
        self._begun = False
        closing = "close" in environ.get("HTTP_CONNECTION", "").lower()
        self.keep: bool = keep and self._newest and not closing

    def start(
        self, status: str, headers: list[tuple[str, str]], error: Any = None, /
    ) -> Callable[[bytes], object]:
        """Take the status and the headers; what the application yields is sent after them."""
        if error is not None and self._begun:
            raise error[1].with_traceback(error[2])
        self._status = status
        self._headers = headers
        return self.write

    def write(self, piece: bytes) -> None:
        """Send a piece of the body."""
        head = b"" if self._begun else self._head()
        if self._chunked and piece:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        if head or piece:
            self._send(head + piece)

    def end(self) -> None:
        """Send what marks the end of the body."""
        head = b"" if self._begun else self._head()
        end = b"0\r\n\r\n" if self._chunked else b""
        if head or end:
            self._send(head + end)

    def fail(self) -> None:
        """End a response that the application has not."""
        self.keep = False
        if not self._begun:
            self.start("500 Internal Server Error", [("Content-Length", "0")])
            self.end()

    def _head(self) -> bytes:
        self._begun = True
        lines = [f"HTTP/1.1 {self._status}", f"Date: {_date(int(time.time()))}"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        if self._has_unknown_length():
            self._chunked = self._newest
            if self._chunked:
                lines.append("Transfer-Encoding: chunked")
        if not self.keep:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")

    def _has_unknown_length(self) -> bool:
        if self._method == "HEAD" or int(self._status[:3]) in _NO_BODY:
            return False
        return not any(name.lower() == "content-length" for name, _ in self._headers)


class _WholeReads:
    """Lets it be an error that a chunk ends early; werkzeug would read on for ever."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self.readline = source.readline
        self._source = source

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise OSError("The body ends within a chunk")
        return data


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return email.utils.formatdate(second, usegmt=True)
