"""Requests go out to the API, and what comes back is a value or an error.

What an answer that is no value means is decided in `answers`; when to ask again, by the `Retries` value it is given. The
token is set by an auth object bound to the API's own origin, and by nothing else: not on the session, where a redirect, a
file host or a stream host would get it too.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from . import answers, errors, faults, inputs
from .bodies import LONG, marked
from .deadlines import NEVER, Deadline
from .fetching import REDIRECTS, Fetcher, Sent, body_of
from .settings import Access, origin

_LONGEST_PAUSE = 60.0  # seconds that one answer may keep all the threads of a client waiting
_AT_LEAST = 0.1  # seconds: what a last look gets when the deadline has passed
_LOCAL = ("_auth", "_quiet_until")  # what means nothing in another process

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


class Transport(Fetcher):
    """Sends requests to one HTTP API, with its token, and again where that is right."""

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
        super().__init__(proxy=proxy, timeout=timeout, session=session)
        if not callable(getattr(retries, "call", None)):
            raise errors.InvalidInputError(f"retries must be a Retries value, not {retries!r}.")
        if headers is not None and not (isinstance(headers, Mapping) and all(map(_is_text, [*headers, *headers.values()]))):
            raise errors.InvalidInputError("headers must be a mapping of names to values, both strings.")
        self._access = access
        self._retries = retries
        self._headers = {"User-Agent": self.agent, "Accept": "application/json", **(headers or {})}
        self._auth = _Bearer("", "", None)
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
        base_url, token = self._access.variables
        now = base_url(), token()
        auth = self._auth
        if auth.environment != now:
            auth = self._auth = _Bearer(*self._access.read(), now)
        own = {**self._headers, **(headers or {})}
        data = None
        if body is not None:
            content = inputs.encode(body), "application/json"
        if content is not None:
            data, own["Content-Type"] = content
        url = path if "://" in path else auth.base + path
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
            for _ in range(REDIRECTS):
                with self._send(asked.method, url, asked.headers, silence, asked.data, params, asked.auth) as response:
                    self._date = response.headers.get("Date"), time()
                    target = urljoin(url, response.headers["Location"]) if response.is_redirect else None
                    if target is None or asked.method != "GET" or origin(target) != origin(url):
                        body = body_of(response, silence)
                        break
                url, params = target, None
            else:
                body = b""
        except faults.KNOWN as fault:
            raise faults.diagnosed(fault, url, asked.doing, silence, repeatable=asked.repeatable) from fault
        except BaseException as leaving:
            leaving.in_the_air = True  # type: ignore[attr-defined]  # for whoever must know what may have been done
            errors.stopped(leaving)
            raise
        status, secret, bad = response.status_code, asked.auth.secret, None
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s: %d in %.0f ms", asked.doing, status, 1000 * (monotonic() - began))
        if 200 <= status < 300:
            try:
                if asked.text or asked.raw:
                    return body if asked.raw else body.decode("utf-8", "replace")
                if not body or body.isspace():
                    return None
                value = json.loads(body)
                return value if len(body) < LONG else marked(value, body)
            except (ValueError, RecursionError) as error:
                bad = None if secret and secret.encode() in body else error  # the error holds the body
        shown = CaseInsensitiveDict({name: self.hide(value) for name, value in response.headers.items()})
        body = body.replace(secret.encode(), b"***") if secret else body
        raise answers.refused(status, shown, body, doing=asked.doing, model=asked.model) from bad

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _LOCAL}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _auth=_Bearer("", "", None), _quiet_until=0.0)


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


class _Bearer(AuthBase):
    """Sets the token, where there is one, on requests to the API's own origin and no other. Its repr does not show it."""

    def __init__(self, base: str, token: str, environment: tuple[str | None, str | None] | None) -> None:
        self.base, self.secret, self.environment = base, token, environment
        self._home = urlsplit(base)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        there, home = urlsplit(request.url or ""), self._home
        if self.secret and (there.scheme, there.hostname, there.port) == (home.scheme, home.hostname, home.port):
            request.headers["Authorization"] = f"Bearer {self.secret}"
        return request


def identified(given: str) -> str:
    """Give an id as it stands in a path, or raise InvalidInputError where it is none."""
    if not isinstance(given, str) or not given:
        raise errors.InvalidInputError(f"An id is a string such as 'gm3qorzdhgbfurvjtvhg6dckhu', not {given!r}.")
    return quote(given, safe="")


def _is_text(value: object) -> bool:
    return isinstance(value, str)
