"""Files and event streams are fetched, from hosts that get no token."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from io import BytesIO
from math import inf
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from ..deadline import NO_DEADLINE, Deadline
from ..exceptions import ConnectionFailed, Interruption, ReplicateError, UnexpectedDataError
from . import connection_errors, response_errors
from .adapter import BoundedResponse, Delivery
from .addresses import AddressRefused, FileHosts, refuse_written_address
from .prepared import NoAuth
from .sessions import (
    LONG_PIECE_SIZE,
    MAX_REDIRECTS,
    PIECE_SIZE,
    USER_AGENT,
    BodyTooLong,
    Sessions,
    finish,
    read_body,
)

if TYPE_CHECKING:
    from .multipart import OnBytes
    from .resumption import Resumption

_FILE_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
_STREAM_HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "text/event-stream",
    "Cache-Control": "no-store",
    "Accept-Encoding": "identity",
}
_NO_AUTH = NoAuth()
_END_TIMEOUT = 0.005  # seconds for a stream to end after its last event
_MAX_FRUITLESS = 3  # times in a row that a cut download is resumed without a single new byte
_EXPIRED_HINT = "Output files are kept for one hour: run the model again, and save them sooner."


class Downloader:
    """Fetches what needs no token. Pickled, it carries none.

    Args:
        sessions: Sends the requests.
        hosts: The hosts that files may be downloaded from although they are not public.
    """

    def __init__(self, sessions: Sessions, hosts: FileHosts | None = None) -> None:
        self._sessions = sessions
        self._hosts = hosts

    @property
    def timeout(self) -> float:
        """The longest silence on a request, in seconds."""
        return self._sessions.timeout

    def event_stream(
        self,
        url: str,
        *,
        timeout: float,
        last_event_id: str = "",
        is_over: Callable[[], bool],
    ) -> Generator[bytes, None, None]:
        """Yield the bytes of an event stream as they arrive.

        Args:
            url: The stream's URL.
            timeout: The longest silence, in seconds.
            last_event_id: The id of the event behind which the stream goes on.
            is_over: Asked after each piece whether the last event was in it. A little later the
                response has ended as well, and the next stream can use the same connection.

        Raises:
            ResponseError: The response is not an event stream.
            ConnectionFailed: The stream cannot be opened, or breaks.
        """
        purpose = "the event stream"
        headers: dict[str, str] = dict(_STREAM_HEADERS)
        if last_event_id:
            # As bytes, since an id may have more than Latin-1 in it.
            headers["Last-Event-ID"] = last_event_id.encode()  # type: ignore[assignment]
        with self._open(url, headers, timeout, purpose, is_trusted=True) as response:
            content_type = response.headers.get("Content-Type", "").partition(";")[0]
            status = response.status_code
            if status != 200:
                body = _read_beginning(response, timeout)
                raise response_errors.error_from_status(
                    status, response.headers, body, purpose=purpose
                )
            if content_type.strip().lower() != "text/event-stream":
                body = _read_beginning(response, timeout)
                raise response_errors.unexpected_response(
                    status, response.headers, body, purpose=purpose, expected="an event stream"
                )
            read = _reader_of(response.raw)
            while piece := read():
                yield piece
                if is_over():
                    connection = getattr(response.raw, "connection", None)
                    socket = getattr(connection, "sock", None)
                    if socket is None:
                        return  # the connection is of this stream alone
                    # Only a moment: all that matters has arrived.
                    socket.settimeout(_END_TIMEOUT)

    def fetch(self, url: str) -> bytes:
        """Return the content of a file. Unless the download is cut, its bytes are copied once.

        Raises:
            ResponseError: The file is gone, or changed meanwhile.
            ConnectionFailed: The download was cut, and could not be resumed.
        """
        try:
            with self._open(url, _FILE_HEADERS, self.timeout, "the download") as response:
                if response.status_code == 200:
                    content: bytes = response.raw.read(decode_content=True)
                    return content
        except ConnectionFailed as error:
            if not error.maybe_sent:
                raise
        buffer = BytesIO()
        for piece in self.download(url):
            buffer.write(piece)
        return buffer.getvalue()

    def download(
        self, url: str, *, on_bytes: OnBytes | None = None, deadline: Deadline = NO_DEADLINE
    ) -> Iterator[bytes]:
        """Yield the content of a file in pieces; a download that is cut is resumed.

        Args:
            url: The file's URL.
            on_bytes: Called after each piece.
            deadline: When all of it must have arrived.

        Raises:
            ResponseError: The file is gone, or changed meanwhile.
            ConnectionFailed: The download was cut, and could not be resumed; or it took too long.
        """
        if deadline.expired:
            raise _too_late(url)
        try:
            yield from self._download(url, on_bytes, deadline)
        except ConnectionFailed as error:
            if deadline.expired:
                raise _too_late(url) from error
            raise

    def _download(
        self, url: str, on_bytes: OnBytes | None, deadline: Deadline
    ) -> Generator[bytes, None, None]:
        from .resumption import Resumption  # late, as most programs download nothing

        file = Resumption()
        fruitless = 0
        while True:
            received_before = file.received
            failure = None
            try:
                with closing(self._download_rest(url, file, deadline)) as pieces:
                    for content in pieces:
                        if on_bytes is not None:
                            on_bytes(file.received, file.total)
                        yield content
                if file.is_whole:
                    return
            except ConnectionFailed as error:
                if not error.maybe_sent or deadline.expired:
                    raise
                failure = error
            if file.received > received_before:
                fruitless = 0
            else:
                fruitless += 1
            if fruitless > _MAX_FRUITLESS:
                raise failure or _cut_short(url)

    def _download_rest(
        self, url: str, file: Resumption, deadline: Deadline
    ) -> Generator[bytes, None, None]:
        """Yield what one more response brings of a file."""
        purpose = "the download"
        request_headers = {**_FILE_HEADERS, **file.request_headers}
        delivery = Delivery()
        delivery.timeout = self.timeout
        delivery.end = deadline.end
        with self._open(
            url, request_headers, delivery.silence, purpose, delivery=delivery
        ) as response:
            status = response.status_code
            headers = response.headers
            if file.is_at_end(status, headers):
                file.total = file.received
                return
            if status not in (200, 206):
                body = _read_beginning(response, self.timeout)
                error = response_errors.error_from_status(status, headers, body, purpose=purpose)
                if status in (404, 410):
                    error.hint = _EXPIRED_HINT
                raise error
            try:
                file.begin(status, headers)
                while content := _read_piece(response.raw, delivery):
                    new = file.new_bytes(content)
                    if new:
                        yield new
            except UnexpectedDataError as unexpected:
                raise response_errors.unexpected_response(
                    status, headers, b"", purpose=purpose, expected=unexpected.expected
                ) from None

    @contextmanager
    def _open(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        purpose: str,
        *,
        is_trusted: bool = False,
        delivery: Delivery | None = None,
    ) -> Iterator[requests.Response]:
        """Open a response; every failure until it is closed is raised as a ReplicateError.

        Args:
            url: The URL.
            headers: The headers.
            timeout: The longest silence, in seconds.
            purpose: The request in words.
            is_trusted: Whether the URL is the API's, and not in the output of a model.
            delivery: When all of it must be over, and where to note how far it got.
        """
        outer = sys.exc_info()[1]
        delivery = delivery or Delivery()
        delivery.timeout = timeout
        response = requests.Response()
        try:
            for _ in range(MAX_REDIRECTS):
                # Followed here, as requests would look into a .netrc file for each further host.
                public_only = not is_trusted and self._is_doubtful(url)
                with self._sessions.send(
                    "GET", url, headers, delivery=delivery, auth=_NO_AUTH, public_only=public_only
                ) as response:
                    if not response.is_redirect:
                        yield response
                        return
                    url = urljoin(url, response.headers["Location"])
            raise response_errors.unexpected_response(
                response.status_code,
                response.headers,
                b"",
                purpose=purpose,
                expected="there but redirected on",
            )
        except ReplicateError:
            raise
        except AddressRefused as refused:
            raise refused.to_error(purpose) from refused
        except connection_errors.TRANSPORT_EXCEPTIONS as cause:
            raise connection_errors.failure(  # noqa: B904  # it has its cause
                cause, outer, url, purpose, timeout, repeatable=True
            )
        except KeyboardInterrupt as interrupt:
            Interruption().attach_to(interrupt)
            raise
        finally:
            finish(response)

    def _is_doubtful(self, url: str) -> bool:
        """Return whether only a public address may be connected to for a URL of a model's.

        Raises:
            AddressRefused: The URL has an address that is not public.
        """
        if self._hosts is not None and self._hosts.trusts(url):
            return False
        refuse_written_address(url)
        return True


def _read_piece(raw: urllib3.response.HTTPResponse, delivery: Delivery) -> bytes:
    """Return the next piece of a file, b"" at its end.

    Raises:
        TimeoutError: All of it must be over by now.
    """
    if delivery.end < inf:
        if monotonic() > delivery.end:
            raise TimeoutError("the file took too long")
        if raw.connection is not None and raw.connection.sock is not None:
            raw.connection.sock.settimeout(delivery.silence)
    return raw.read1(LONG_PIECE_SIZE, decode_content=True)


def _too_late(url: str) -> ConnectionFailed:
    """Return the error for a file that did not arrive before the deadline."""
    error = ConnectionFailed(
        f"The file from {urlsplit(url).hostname} did not arrive before the deadline of the call.",
        hint="It is still there: error.prediction.save(…) downloads it, and runs nothing again.",
    )
    error.maybe_sent = True
    return error


def _cut_short(url: str) -> ConnectionFailed:
    """Return the error for a server that does not send all of a file."""
    error = ConnectionFailed(
        f"{urlsplit(url).hostname} has not sent the whole file (during the download).",
        hint="Try again.",
    )
    error.maybe_sent = True
    return error


def _read_beginning(response: requests.Response, timeout: float) -> bytes:
    """Return so much of a body as an error message can quote."""
    try:
        return read_body(response, monotonic() + timeout, PIECE_SIZE)
    except BodyTooLong as error:
        return error.beginning


def _reader_of(raw: urllib3.response.HTTPResponse) -> Callable[[], bytes]:
    """Return what reads all that arrives next, and never waits for a piece to be full."""
    received = getattr(raw, "_original_response", None)
    if not raw.chunked:
        return partial(raw.read1, PIECE_SIZE, decode_content=True)
    if not isinstance(received, BoundedResponse) or "Content-Encoding" in raw.headers:
        return partial(next, raw.stream(PIECE_SIZE, decode_content=True), b"")
    from .chunks import Chunks  # late, as many programs stream nothing

    # urllib3 reads one chunk at a time, and only whole ones. What has arrived with the head is all
    # that the file of the socket has; behind that, a token comes from the socket with less work.
    arrived = received.fp.read1()
    socket = getattr(raw.connection, "sock", None)
    if socket is None:  # http.client has given it to the response, which ends with the connection
        receive = partial(received.fp.read1, PIECE_SIZE)
    else:
        receive = partial(socket.recv, PIECE_SIZE)
    return Chunks(arrived, receive, raw.release_conn).read
