"""Requests as requests prepares them: their credentials, and what many of them share."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, TypeAlias

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from .config import Token, origin

if TYPE_CHECKING:
    from .multipart import Form

Body: TypeAlias = "bytes | Form"


Parts: TypeAlias = tuple[str, "Mapping[str, str] | None", Mapping[str, str], bool]
"""What a request is prepared of, but for its method: URL, query, headers, whether it has a body."""


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
        self.latest: dict[str, tuple[Parts, requests.PreparedRequest]] = {}

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
    parts: Parts,
    data: Body | None,
    auth: NoAuth | BearerAuth,
) -> requests.PreparedRequest:
    """Return a request that can be sent; one to the API is kept for those with another body.

    Args:
        defaults: The headers of the session.
        method: The HTTP method.
        parts: What else it is prepared of.
        data: The body.
        auth: Sets the credentials; that of the API keeps the request.
    """
    url, params, headers, has_body = parts
    all_headers = CaseInsensitiveDict(defaults, **headers)
    request = requests.PreparedRequest()
    request.prepare(method, url, all_headers, data=data, params=params, auth=auth)
    if isinstance(auth, BearerAuth):
        latest = copy(request)
        latest.headers = request.headers.copy()
        latest.body = None
        if params is not None:
            params = dict(params)  # as the caller may change its own before the next request
        auth.latest[method] = ((url, params, dict(headers), has_body), latest)
    return request
