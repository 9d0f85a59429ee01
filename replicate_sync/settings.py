"""Where the API is and which token opens it: the only reader of the environment.

Both are read when a request is made, not when a client is: a variable set after `import`, or changed later, counts.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from .errors import TOKEN_PAGE, TOKEN_VARIABLE, InvalidInputError, MissingAuthError, missing_token

API = "https://api.replicate.com/v1"
BASE_URL_VARIABLE = "REPLICATE_BASE_URL"


class BaseURL:
    """The address of an HTTP API: the given one, else the environment's, else the default."""

    def __init__(self, given: str | None, default: str = API, *, variable: str | None = BASE_URL_VARIABLE) -> None:
        self._given = given if given is None else checked(given, "base_url")
        self._default = default
        self._variable = variable

    def read(self) -> str:
        """Give the address without a slash at its end; one without a path gets `/v1` where the default has one."""
        found = self._given or (self._variable and os.environ.get(self._variable, "").strip()) or self._default
        url = checked(found, self._variable or "base_url")
        return url + "/v1" if not urlsplit(url).path and self._default.endswith("/v1") else url


class Token:
    """An API token: the given one, else the environment's. Its repr does not show it."""

    def __init__(self, given: str | None) -> None:
        if given is not None and not isinstance(given, str):
            raise InvalidInputError(f"api_key must be a string, not {type(given).__name__}.")
        self._given = given

    def read(self) -> str:
        """Give the token, or raise MissingAuthError where there is none that could be sent."""
        source = "api_key" if self._given is not None else TOKEN_VARIABLE
        token = os.environ.get(TOKEN_VARIABLE, "") if self._given is None else self._given
        if not token.strip():
            raise missing_token()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise MissingAuthError(
                f"The token in {source} has a line break, a blank or another character that no token has, as happens "
                f"when it is read from a file: strip() it, or copy it again from {TOKEN_PAGE}"
            )
        return token


def checked(url: str, name: str) -> str:
    """Give a URL without a slash at its end, or raise InvalidInputError where it is not an http(s) URL."""
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except (AttributeError, ValueError):
        good = False
    if not good or parts.query or parts.fragment:
        raise InvalidInputError(f"{name} is not a URL such as {API!r}: {url!r}")
    return url.strip().rstrip("/")


def origin(url: str) -> tuple[str, str, int] | None:
    """Give the scheme, host and port of a URL, or None where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname.lower(), port) if parts.hostname and port else None
