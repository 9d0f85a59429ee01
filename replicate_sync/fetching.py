"""Bytes come in: requests are sent on this thread's session, and files and streams fetched from hosts that get no token.

The only holder of a requests session. Every fault becomes ConnectionFailed, as `faults` reads it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from time import monotonic
from typing import ClassVar
from urllib.parse import urljoin

import requests
import urllib3
from requests.auth import AuthBase

from . import answers, errors, faults
from .bars import Meter
from .connections import PacedAdapter
from .multipart import Form
from .settings import checked_proxy
from .version import __version__

PIECE = 65536  # bytes: what is read of a body or stream at a time
REDIRECTS = 5

_CONNECT = 10.0  # seconds: the longest that connecting may take
_BODY = 256 * 2**20  # bytes: the longest decoded JSON body that is read
_LONGEST = 1e6  # seconds: more than any socket can wait
_FRUITLESS = 3  # times in a row that a cut download is taken up again without a byte of news

Sent = bytes | Form


class Fetcher:
    """Sends requests, in any thread and process, and fetches what needs no token."""

    agent = f"replicate-sync/{__version__}"
    _plain_headers: ClassVar = {"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"}

    def __init__(self, *, proxy: str | None, timeout: float, session: requests.Session | None) -> None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= _LONGEST:
            raise errors.InvalidInputError(
                f"timeout must be a number of seconds above 0, up to {_LONGEST:g}, not {timeout!r}."
            )
        if session is not None and not callable(getattr(session, "request", None)):
            raise errors.InvalidInputError(f"session must be a requests.Session, not {session!r}.")
        self.timeout = float(timeout)
        url = None if proxy is None else checked_proxy(proxy)
        self._proxies = {} if url is None else {"http": url, "https": url}
        self._direct = proxy == ""
        self._given_session = session

    def stream(self, url: str, *, silence: float, last_event_id: str = "") -> Iterator[bytes]:
        """Yield the bytes of an event stream as they arrive. The stream's host gets no token.

        `silence`: the longest time, in seconds, without a byte. Raises ResponseError where the answer is no event stream.
        """
        doing = "the event stream"
        headers = {
            "User-Agent": self.agent,
            "Accept": "text/event-stream",
            "Cache-Control": "no-store",
            "Accept-Encoding": "identity",
        }
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id.encode()  # type: ignore[assignment]  # may be more than Latin-1
        with self._open(url, headers, silence, doing) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if response.status_code != 200 or kind != "text/event-stream":
                body = body_of(response, silence, at_most=PIECE)
                if response.status_code != 200:
                    raise answers.from_response(response.status_code, response.headers, body, doing=doing)
                raise answers.unexpected(200, response.headers, body, doing=doing, wanted="an event stream")
            yield from _arriving(response.raw)

    def fetch(self, url: str) -> bytes:
        """Give the bytes of a file at once: they move once, where the download is not cut. Raises as `download` does."""
        try:
            with self._open(url, self._plain_headers, self.timeout, "the download") as response:
                if response.status_code == 200:
                    whole: bytes = response.raw.read(decode_content=True)
                    return whole
        except errors.ConnectionFailed as error:
            if not error.maybe_sent:
                raise
        kept = BytesIO()  # which gives its bytes away without copying them
        for piece in self.download(url):
            kept.write(piece)
        return kept.getvalue()

    def download(self, url: str, *, progress: bool = False) -> Iterator[bytes]:
        """Yield the bytes of a file, in pieces; a download that is cut goes on where it was. Its host gets no token.

        `progress`: show how many bytes have come, where they are more than 5 MB. Raises ResponseError where the file is
        gone or changed meanwhile, ConnectionFailed where it comes short in the end.
        """
        with Meter(url.partition("?")[0].rpartition("/")[2], progress) as meter:
            got, tag, fruitless = 0, "", 0
            while True:
                before = got
                try:
                    for piece, now, size in self._part(url, got, tag):
                        tag, got = now, got + len(piece)
                        meter.moved(got, size)
                        yield piece
                    return
                except errors.ConnectionFailed as error:
                    fruitless = 0 if got > before else fruitless + 1
                    if fruitless > _FRUITLESS or not error.maybe_sent:
                        raise

    def _part(self, url: str, start: int, tag: str) -> Iterator[tuple[bytes, str, int | None]]:
        """Yield the bytes of a file from `start` on, each piece with what tells this file from a changed one, and with
        the length of the whole file, where it is told.
        """
        headers = {**self._plain_headers, "Range": f"bytes={start}-"} if start else self._plain_headers
        with self._open(url, headers, self.timeout, "the download") as response:
            status, found = response.status_code, response.headers
            whole = found.get("Content-Range", "").rpartition("/")[2] if status == 206 else found.get("Content-Length", "")
            now = f"{found.get('ETag', '')} {whole}"
            if status not in (200, 206):
                error = answers.from_response(
                    status, found, body_of(response, self.timeout, at_most=PIECE), doing="the download"
                )
                if status in (404, 410):
                    errors.add(error, "Output files are kept for one hour: run the model again, and save them sooner.")
                raise error
            if start and tag != now:
                raise answers.unexpected(status, found, b"", doing="the download", wanted="the same file as before the cut")
            skip, size = start if status == 200 else 0, int(whole) if whole.isdecimal() else None
            while piece := response.raw.read1(4 * PIECE, decode_content=True):
                if skip < len(piece):
                    yield piece[skip:] if skip else piece, now, size
                skip = max(0, skip - len(piece))

    def close(self) -> None:
        """Close this thread's connections."""
        _close_session(self._direct)

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str], silence: float, doing: str) -> Iterator[requests.Response]:
        """Give an open response of a host that gets no token; any fault until it is closed becomes ConnectionFailed."""
        try:
            for _ in range(REDIRECTS):
                # Followed here, as requests would look into a .netrc file for each further host.
                with self._send("GET", url, headers, silence, None, None, NoAuth()) as response:
                    if not response.is_redirect:
                        yield response
                        return
                    url = urljoin(url, response.headers["Location"])
            raise answers.unexpected(
                response.status_code, response.headers, b"", doing=doing, wanted="there but redirected on"
            )
        except errors.ReplicateError:
            raise
        except faults.KNOWN as fault:
            raise faults.diagnosed(fault, url, doing, silence, repeatable=True) from fault
        except KeyboardInterrupt as leaving:
            errors.stopped(leaving)
            raise

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        silence: float,
        data: Sent | None,
        params: Mapping[str, str] | None,
        auth: AuthBase,
    ) -> requests.Response:
        if data is not None and not isinstance(data, bytes):
            data.seek(0)
        session = self._given_session or _session(self._direct)
        return session.request(
            method,
            url,
            data=data,
            params=params,
            headers=headers,
            auth=auth,
            proxies=self._proxies,
            timeout=(min(_CONNECT, silence), silence),
            allow_redirects=False,
            stream=True,
        )


def _session(direct: bool) -> requests.Session:
    """Give this thread's session, one for all clients: it holds connections, and neither token nor cookies.

    requests does not promise that a session may be shared by threads, and a fork must not share sockets.
    """
    sessions = _here.sessions
    key = (os.getpid(), direct)
    if key not in sessions:
        session = sessions[key] = requests.Session()
        session.trust_env = not direct
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, PacedAdapter())
    return sessions[key]


def _close_session(direct: bool) -> None:
    if session := _here.sessions.pop((os.getpid(), direct), None):
        session.close()


class _Here(threading.local):
    """What this thread has."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[int, bool], requests.Session] = {}


_here = _Here()


class NoAuth(AuthBase):
    """Sends no credentials, and keeps requests from taking some from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def body_of(response: requests.Response, seconds: float, *, at_most: int = _BODY) -> bytes:
    """Read a body, neither longer than fits nor slower than `seconds` in all."""
    pieces, size, end = [], 0, monotonic() + seconds
    # What is long comes in longer pieces, but for what is compressed: an older urllib3 copies all that is left each time.
    long = PIECE if "Content-Encoding" in response.headers else 4 * PIECE
    while piece := response.raw.read1(PIECE if size < PIECE else long, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > at_most:
            if at_most < _BODY:
                break
            shown, wanted = pieces[0], f"shorter than {_BODY >> 20} MB"
            pieces.clear()  # the traceback would keep them
            raise answers.unexpected(response.status_code, response.headers, shown, doing="a request", wanted=wanted)
        if monotonic() > end:
            raise TimeoutError(f"the answer took longer than {seconds:g} s")
    return b"".join(pieces)


def _arriving(raw: urllib3.response.HTTPResponse) -> Iterator[bytes]:
    """Give what arrives, piece by piece, without waiting for a piece to be full."""
    if raw.chunked:
        return raw.stream(PIECE, decode_content=True)
    return iter(lambda: raw.read1(PIECE, decode_content=True), b"")
