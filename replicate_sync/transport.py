"""Requests go out, bytes come in: the only holder of a requests session.

What an answer that is no value means is decided in `answers`; when to ask again, by the `Retries` value it is given. The
token is set by an auth object bound to the API's own origin, and by nothing else: not on the session, where a redirect, a
file host or a stream host would get it too.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from time import monotonic, time
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from . import answers, errors, faults, inputs
from .connections import PacedAdapter
from .deadlines import NEVER, Deadline
from .multipart import Form
from .settings import Access, checked_proxy, origin
from .version import __version__

_CONNECT = 10.0  # seconds: the longest that connecting may take
_PIECE = 65536  # bytes: what is read of a body or stream at a time
_BODY = 256 * 2**20  # bytes: the longest decoded JSON body that is read
_LONGEST = 1e6  # seconds: more than any socket can wait
_LONGEST_PAUSE = 60.0  # seconds that one answer may keep all the threads of a client waiting
_AT_LEAST = 0.1  # seconds: what a last look gets when the deadline has passed
_FRUITLESS = 3  # times in a row that a cut download is taken up again without a byte of news
_REDIRECTS = 5

_LOCAL = ("_auth", "_quiet_until")  # what means nothing in another process

Sent = bytes | Form

_Answer = TypeVar("_Answer")
_log = logging.getLogger("replicate_sync")


class Policy(Protocol):
    """How a failed request is repeated."""

    def call(
        self,
        send: Callable[[], _Answer],
        passing: Callable[[BaseException], bool],
        deadline: Deadline,
        told: Callable[[BaseException, float, int], None],
    ) -> _Answer:
        """Call `send` until it answers, raises what is not `passing`, or may not be called again; tell of each wait."""


class Transport:
    """Sends requests to one HTTP API, in any thread and process; each has a session of its own."""

    def __init__(
        self,
        access: Access,
        *,
        retries: Policy,
        proxy: str | None = None,
        timeout: float = 180,
        headers: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
    ) -> None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= _LONGEST:
            raise errors.InvalidInputError(
                f"timeout must be a number of seconds above 0, up to {_LONGEST:g}, not {timeout!r}."
            )
        usable = session is None or callable(getattr(session, "request", None))
        if not usable or not callable(getattr(retries, "call", None)):
            raise errors.InvalidInputError("retries must be a Retries value, and session a requests.Session.")
        if headers is not None and not (isinstance(headers, Mapping) and all(map(_is_text, [*headers, *headers.values()]))):
            raise errors.InvalidInputError("headers must be a mapping of names to values, both strings.")
        self.timeout = float(timeout)
        self._access = access
        self._retries = retries
        url = None if proxy is None else checked_proxy(proxy)
        self._proxies = {} if url is None else {"http": url, "https": url}
        self._direct = proxy == ""
        self._headers = {"User-Agent": f"replicate-sync/{__version__}", "Accept": "application/json", **(headers or {})}
        self._given_session = session
        self._auth = _Bearer("", "")
        self._date: tuple[str | None, float] = None, 0.0
        self._quiet_until = 0.0

    @property
    def base_url(self) -> str:
        """The API's address, as of now."""
        return self._access.url

    @property
    def shown(self) -> str:
        """The API's address as a repr may show it: without credentials, and whatever it is."""
        try:
            url = self.base_url
        except errors.InvalidInputError:
            return "an address that is none"
        return re.sub("//[^/]*@", "//", url)

    def check(self) -> None:
        """Raise what is wrong with the address or the token, before anything is sent."""
        self._access.read()

    def hide(self, text: str) -> str:
        """Cut the token out of a foreign text that is about to be shown."""
        return text.replace(self._auth.secret, "***") if self._auth.secret else text

    def ahead(self) -> float:
        """How many seconds the API's clock was ahead of this machine's at the last answer, at the least."""
        date, then = self._date
        try:
            return parsedate_to_datetime(date).timestamp() - then if date else 0.0
        except (ValueError, OverflowError):
            return 0.0

    def hold(self, seconds: float, deadline: Deadline) -> int:
        """How long, in whole seconds, a server may be asked to hold an answer back without being taken for silent."""
        allowed = min(self.timeout, deadline.left)
        return max(0, int(min(seconds, 60, allowed - min(10.0, allowed / 4))))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        model: str | None = None,
        repeatable: bool = True,
        parting: float | None = None,
        deadline: Deadline = NEVER,
        content: tuple[Sent, str] | None = None,
        text: bool = False,
        raw: bool = False,
    ) -> Any:
        """Give the decoded JSON answer (None where it has no body), or raise the error that it is.

        `path` follows the base URL, or is an absolute URL on the API's own origin. A `repeatable` request is tried again
        after any passing fault; another only where it provably did nothing (429, or it never left). `parting`: one try
        of so many seconds, as the caller is on the way out. `model`: the one that the request is about. `content`: a body
        that is no JSON, and its type. `text`, `raw`: give the answer as text, or as bytes.
        """
        base, token = self._access.read()
        auth = self._auth
        if (auth.secret, auth.base) != (token, base):
            auth = self._auth = _Bearer(token, base)
        own = {**self._headers, **(headers or {})}
        data = None
        if body is not None:
            content = inputs.encode(body), "application/json"
        if content is not None:
            data, own["Content-Type"] = content
        url = path if "://" in path else base + path
        asked = _Asked(method, url, params, own, data, auth, model, repeatable, text, raw)
        if parting is not None:
            return self._once(asked, parting)
        try:
            return self._paced(asked, deadline)
        except errors.ReplicateError as error:
            if not asked.worth_another(error):
                raise
            first: list[errors.ReplicateError] = [error]

        def send() -> Any:
            if first:
                raise first.pop()  # the policy counts the attempt that was made before it was asked
            return self._paced(asked, deadline)

        def told(error: BaseException, seconds: float, attempt: int) -> None:
            why = self.hide(str(error))
            _log.warning("%s: attempt %d failed, the next one in %.1f s: %s", asked.doing, attempt, seconds, why)

        return self._retries.call(send, asked.worth_another, deadline, told)

    def _paced(self, asked: _Asked, deadline: Deadline) -> Any:
        """Send once, behind the pause that the API has asked of this client, whichever thread it told."""
        if (pause := self._quiet_until - monotonic()) > 0:
            deadline.rest(pause)
        silence = self.timeout if deadline is NEVER else min(self.timeout, deadline.left or _AT_LEAST)
        try:
            return self._once(asked, silence)
        except errors.RateLimitError as error:
            self._quiet_until = max(self._quiet_until, monotonic() + min(error.retry_after or 0.0, _LONGEST_PAUSE))
            raise

    def _once(self, asked: _Asked, silence: float) -> Any:
        url, params, began = asked.url, asked.params, monotonic()
        try:
            for _ in range(_REDIRECTS):
                with self._send(asked.method, url, asked.headers, silence, asked.data, params, asked.auth) as response:
                    self._date = response.headers.get("Date"), time()
                    target = urljoin(url, response.headers["Location"]) if response.is_redirect else None
                    if target is None or asked.method != "GET" or origin(target) != origin(url):
                        body = _body(response, silence)
                        break
                url, params = target, None
            else:
                body = b""
        except faults.KNOWN as fault:
            raise faults.diagnosed(fault, url, asked.doing, silence, repeatable=asked.repeatable) from fault
        except BaseException as leaving:
            leaving.in_the_air = True  # type: ignore[attr-defined]  # for whoever must know what may have been done
            raise
        status, secret, bad = response.status_code, asked.auth.secret, None
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s: %d in %.0f ms", asked.doing, status, 1000 * (monotonic() - began))
        if 200 <= status < 300:
            try:
                if asked.text or asked.raw:
                    return body if asked.raw else body.decode("utf-8", "replace")
                return json.loads(body) if body.strip() else None
            except (ValueError, RecursionError) as error:
                bad = None if secret and secret.encode() in body else error  # the error holds the body
        shown = CaseInsensitiveDict({name: self.hide(value) for name, value in response.headers.items()})
        body = body.replace(secret.encode(), b"***") if secret else body
        raise answers.refused(status, shown, body, doing=asked.doing, model=asked.model) from bad

    def stream(self, url: str, *, silence: float, last_event_id: str = "") -> Iterator[bytes]:
        """Yield the bytes of an event stream as they arrive. The stream's host gets no token.

        `silence`: the longest time, in seconds, without a byte. Raises ResponseError where the answer is no event stream.
        """
        doing = "the event stream"
        headers = {
            "User-Agent": self._headers["User-Agent"],
            "Accept": "text/event-stream",
            "Cache-Control": "no-store",
            "Accept-Encoding": "identity",
        }
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id.encode()  # type: ignore[assignment]  # may be more than Latin-1
        with self._open(url, headers, silence, doing) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if response.status_code != 200 or kind != "text/event-stream":
                body = _body(response, silence, at_most=_PIECE)
                if response.status_code != 200:
                    raise answers.from_response(response.status_code, response.headers, body, doing=doing)
                raise answers.unexpected(200, response.headers, body, doing=doing, wanted="an event stream")
            yield from _arriving(response.raw)

    def download(self, url: str) -> Iterator[bytes]:
        """Yield the bytes of a file, in pieces; a download that is cut goes on where it was. Its host gets no token.

        Raises ResponseError where the file is gone or changed meanwhile, ConnectionFailed where it comes short in the end.
        """
        got, tag, fruitless = 0, "", 0
        while True:
            before = got
            try:
                for piece, now in self._part(url, got, tag):
                    tag, got = now, got + len(piece)
                    yield piece
                return
            except errors.ConnectionFailed as error:
                fruitless = 0 if got > before else fruitless + 1
                if fruitless > _FRUITLESS or not error.maybe_sent:
                    raise

    def _part(self, url: str, start: int, tag: str) -> Iterator[tuple[bytes, str]]:
        """Yield the bytes of a file from `start` on, each piece with what tells this file from a changed one."""
        headers = {"User-Agent": self._headers["User-Agent"], "Accept": "*/*", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self._open(url, headers, self.timeout, "the download") as response:
            status, found = response.status_code, response.headers
            whole = found.get("Content-Range", "").rpartition("/")[2] if status == 206 else found.get("Content-Length", "")
            now = f"{found.get('ETag', '')} {whole}"
            if status not in (200, 206):
                error = answers.from_response(
                    status, found, _body(response, self.timeout, at_most=_PIECE), doing="the download"
                )
                if status in (404, 410):
                    errors.add(error, "Output files are kept for one hour: run the model again, and save them sooner.")
                raise error
            if start and tag != now:
                raise answers.unexpected(status, found, b"", doing="the download", wanted="the same file as before the cut")
            skip = start if status == 200 else 0
            while piece := response.raw.read1(4 * _PIECE, decode_content=True):
                if skip < len(piece):
                    yield piece[skip:] if skip else piece, now
                skip = max(0, skip - len(piece))

    def close(self) -> None:
        """Close this thread's connections."""
        _close_session(self._direct)

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str], silence: float, doing: str) -> Iterator[requests.Response]:
        """Give an open response of a host that gets no token; any fault until it is closed becomes ConnectionFailed."""
        try:
            for _ in range(_REDIRECTS):
                # Followed here, as requests would look into a .netrc file for each further host.
                with self._send("GET", url, headers, silence, None, None, _NoAuth()) as response:
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

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _LOCAL}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _auth=_Bearer("", ""), _quiet_until=0.0)


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


class _Asked(NamedTuple):
    """A request that is to be sent, perhaps more than once."""

    method: str
    url: str
    params: Mapping[str, str] | None
    headers: Mapping[str, str]
    data: Sent | None
    auth: _Bearer
    model: str | None
    repeatable: bool
    text: bool
    raw: bool

    @property
    def doing(self) -> str:
        """What it is, for people: method and path."""
        return f"{self.method} {urlsplit(self.url).path}"

    def worth_another(self, error: BaseException) -> bool:
        """Whether it may and should be sent again after this error."""
        return faults.passing(error) if self.repeatable else faults.did_nothing(error)


class _NoAuth(AuthBase):
    """Sends no credentials, and keeps requests from taking some from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Bearer(AuthBase):
    """Sets the token, where there is one, on requests to the API's own origin and no other. Its repr does not show it."""

    def __init__(self, token: str, base: str) -> None:
        self.secret, self.base = token, base
        self._home = urlsplit(base)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        there, home = urlsplit(request.url or ""), self._home
        if self.secret and (there.scheme, there.hostname, there.port) == (home.scheme, home.hostname, home.port):
            request.headers["Authorization"] = f"Bearer {self.secret}"
        return request


def _body(response: requests.Response, seconds: float, *, at_most: int = _BODY) -> bytes:
    """Read a body, neither longer than fits nor slower than `seconds` in all."""
    pieces, size, end = [], 0, monotonic() + seconds
    while piece := response.raw.read1(_PIECE, decode_content=True):
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
    """Yield what has arrived, without waiting for a piece to be full."""
    if raw.chunked:
        yield from raw.stream(_PIECE, decode_content=True)
        return
    while piece := raw.read1(_PIECE, decode_content=True):
        yield piece


def _is_text(value: object) -> bool:
    return isinstance(value, str)
