"""Requests as requests prepares them: their credentials, and what many of them share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import requests
from requests.auth import AuthBase
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict

from .config import Token, origin

if TYPE_CHECKING:
    from .multipart import Form

Body: TypeAlias = "bytes | Form"


class _Parts(NamedTuple):
    """What a request is prepared of, but for its method, its credentials and what its body says."""

    url: str
    params: Mapping[str, str] | None
    headers: Mapping[str, str]
    has_body: bool


_NOTHING = (None, requests.PreparedRequest())


class _Headers(CaseInsensitiveDict[str]):
    """Headers that are copied as a whole, and not one by one: each request has two copies made."""

    _store: OrderedDict[str, tuple[str, str]]

    def copy(self) -> _Headers:
        """Return a copy."""
        copied = _Headers.__new__(_Headers)
        copied._store = self._store.copy()
        return copied


class NoAuth(AuthBase):
    """Sends no credentials, and keeps requests from taking some from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request as it is."""
        return request


class BearerAuth(AuthBase):
    """Sets the token on requests to the API's own origin only. Its repr does not show it."""

    def __init__(
        self, base_url: str, token: str, environment: tuple[str | None, str | None] | None
    ) -> None:
        self.base_url = base_url
        self.token: Token = Token(token)
        #: The variables of the environment that it was made with.
        self.environment: tuple[str | None, str | None] | None = environment
        if environment is not None:
            self.environment = (environment[0], Token.of(environment[1]))
        self._header = Token(f"Bearer {token}")
        self._home = origin(base_url)
        self._prefix = f"{base_url}/"
        #: The latest request of each method, without its body, and what it was prepared of.
        self.latest: dict[str, tuple[_Parts, requests.PreparedRequest]] = {}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request, with the token if it goes to the API."""
        url = request.url or ""
        if self.token and (url.startswith(self._prefix) or origin(url) == self._home):
            request.headers["Authorization"] = self._header
        return request

    def redact(self, body: bytes) -> bytes:
        """Return a body without the token; the same object where the token is not in it."""
        token = self.token.encode()
        if token and token in body:
            return body.replace(token, b"***")
        return body


def prepare(
    defaults: Mapping[str, str | bytes],
    method: str,
    url: str,
    headers: Mapping[str, str],
    data: Body | None,
    params: Mapping[str, str] | None,
    auth: AuthBase,
) -> requests.PreparedRequest:
    """Return a request that can be sent.

    Most requests have all in common with the one before but the body, and are copies of that. To
    prepare a URL, headers and an empty cookie jar takes longer than to send them.

    Args:
        defaults: The headers of the session.
        method: The HTTP method.
        url: The whole URL.
        headers: Further headers.
        data: The body.
        params: The query.
        auth: Sets the credentials.
    """
    parts = _Parts(url, params, headers, bool(data))
    if not isinstance(auth, BearerAuth) or not isinstance(data, bytes | None):
        return _prepare_new(defaults, method, parts, data, auth)
    known, latest = auth.latest.get(method, _NOTHING)
    if known != parts:
        latest = _prepare_new(defaults, method, parts, data, auth)
        latest.body = None
        latest.headers = _Headers(latest.headers)
        auth.latest[method] = (parts._replace(headers=dict(headers)), latest)
    request = copy(latest)
    request.hooks = default_hooks()
    request.headers = latest.headers.copy()  # tools add their own to those of one request
    if data:
        request.body = data
        request.headers["Content-Length"] = str(len(data))
    return request


def _prepare_new(
    defaults: Mapping[str, str | bytes],
    method: str,
    parts: _Parts,
    data: Body | None,
    auth: AuthBase,
) -> requests.PreparedRequest:
    headers = CaseInsensitiveDict(defaults, **parts.headers)
    request = requests.PreparedRequest()
    request.prepare(method, parts.url, headers, data=data, params=parts.params, auth=auth)
    return request
