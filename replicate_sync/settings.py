"""Where the API is and which token opens it: the only reader of the environment.

Both are read when a request is made, not when a client is: a variable set after `import`, or changed later, counts.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache, partial
from importlib import import_module
from urllib.parse import urlsplit

from .errors import TOKEN_PAGE, TOKEN_VARIABLE, InvalidInputError, MissingAuthError, add, missing_token

_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_BLANK = re.compile(r"\s")

_COLAB = "google.colab"
API = "https://api.replicate.com/v1"
BASE_URL_VARIABLE = "REPLICATE_BASE_URL"


class Access:
    """Where an HTTP API is, and the token that opens it: as given, else as in the environment. Its repr shows no token.

    An API that is `open` takes no token. `variable` names the environment's base URL, where that counts.
    """

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None = None,
        *,
        default: str = API,
        variable: str | None = BASE_URL_VARIABLE,
        open: bool = False,
    ) -> None:
        if api_key is not None and not isinstance(api_key, str):
            raise InvalidInputError(f"api_key must be a string, not {type(api_key).__name__}.")
        self._base_url = base_url if base_url is None else checked(base_url, "base_url")
        self._api_key = api_key
        self._default = default
        self._variable = variable
        self._open = open
        #: What `read` depends on that may change: each gives a variable of the environment as it is now.
        self.variables = partial(os.getenv, variable or ""), partial(os.getenv, TOKEN_VARIABLE)

    @property
    def url(self) -> str:
        """The API's address, without a slash at its end; one without a path gets /v1 where the default has one."""
        found = self._base_url or (self._variable and os.environ.get(self._variable, "").strip()) or self._default
        url = checked(found, self._variable or "base_url")
        return url + "/v1" if not urlsplit(url).path and self._default.endswith("/v1") else url

    def read(self) -> tuple[str, str]:
        """Give the address and the token ("" where none is needed), both as they are now.

        Raises MissingAuthError where there is no token that could be sent.
        """
        return self.url, "" if self._open else self._token()

    def _token(self) -> str:
        source = "api_key" if self._api_key is not None else TOKEN_VARIABLE
        token = self._api_key
        if token is None:
            token = os.environ.get(TOKEN_VARIABLE) or _secret_of_colab()
        if not token.strip():
            error = missing_token()
            if _COLAB in sys.modules:
                add(
                    error,
                    "In Colab, a secret of that name does as well (the key on the left), if this notebook has access to it.",
                )
            raise error
        if not token.isascii() or not token.isprintable() or " " in token:
            raise MissingAuthError(
                f"The token in {source} has a line break, a blank or another character that no token has, as happens "
                f"when it is read from a file: strip() it, or copy it again from {TOKEN_PAGE}"
            )
        return token


def _secret_of_colab() -> str:
    """Give the token in the secret store of Google Colab, or "" where there is none or this is not Colab."""
    if _COLAB not in sys.modules:
        return ""
    try:
        return _asked_of_colab()
    except Exception:  # no such secret, no access to it, no answer: each an exception of Colab's own
        return ""


@cache
def _asked_of_colab() -> str:
    # Asked once: each time, Colab asks the browser, which another thread than the first could not wait for.
    return str(import_module("google.colab.userdata").get(TOKEN_VARIABLE))


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


def checked_proxy(proxy: str) -> str:
    """Give a proxy's URL ("" for none at all), or raise InvalidInputError where it is none; `host:port` is one of http."""
    try:
        url = proxy if "://" in proxy or not proxy else f"http://{proxy}"
        parts = urlsplit(url)
        good = not url or (parts.scheme in _PROXIES and parts.hostname and parts.port != 0 and not _BLANK.search(url))
    except (AttributeError, TypeError, ValueError):
        good = False
    if not good:
        raise InvalidInputError("proxy is not a URL such as 'http://127.0.0.1:8080'; pass one, or leave it out.")
    return url


def origin(url: object) -> tuple[str, str, int] | None:
    """Give the scheme, host and port of a URL, or None where it has none."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname.lower(), port) if parts.hostname and port else None
