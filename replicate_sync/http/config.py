"""Where the API is and which token it takes: the only reader of the environment.

Both are read when a request is made, not when a client is made: a variable that is set after the
import, or changed later, counts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import SupportsIndex, cast
from urllib.parse import urlsplit

from ..exceptions import TOKEN_PAGE, TOKEN_VARIABLE, InvalidInputError, MissingAuthError

API_URL = "https://api.replicate.com/v1"
BASE_URL_VARIABLE = "REPLICATE_BASE_URL"

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_COLAB = "google.colab"
_Variables = tuple[Callable[[], "str | None"], Callable[[], "str | None"]]


class Token(str):
    """A token, or a header with one: a str whose repr hides it.

    Error reporters, `pytest -l` and debuggers show the reprs of local variables.
    """

    __slots__ = ()

    @classmethod
    def of(cls, text: object) -> Token | None:
        """Return a text as a token. Of what is not a str, such as bytes, only the type is kept.

        That is refused where the client is made, and until then nothing shows what it was.
        """
        if text is None or isinstance(text, Token):
            return text
        if isinstance(text, str):
            return cls(text)
        kind = text if isinstance(text, type) else type(text)
        return cast(Token, kind)

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, key: SupportsIndex | slice) -> Token:
        return Token(str.__getitem__(self, key))  # as some show the beginning of a long text

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type, tuple[str]]:
        return str, (str(self),)  # in what tools record of a request, it is a text like any other


class ApiConfig:
    """The base URL of an HTTP API and its token, as given or else from the environment.

    Its repr shows no token.

    Args:
        base_url: The base URL; None for the environment's, or else the default.
        api_key: The token; None for the environment's.
        default: The base URL where there is no other.
        variable: The variable that may name the base URL, or None.
        is_open: Whether the API takes no token.
    """

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None = None,
        *,
        default: str = API_URL,
        variable: str | None = BASE_URL_VARIABLE,
        is_open: bool = False,
    ) -> None:
        api_key = Token.of(api_key)
        if isinstance(api_key, type):
            raise InvalidInputError(f"api_key must be a string, not {api_key.__name__}.")
        if base_url is None:
            self._base_url = base_url
        else:
            self._base_url = validate_base_url(base_url, "base_url")
        self._api_key = api_key
        self._default = default
        self._variable = variable
        self._is_open = is_open
        #: Functions that return what `read` depends on and what may change: variables as of now.
        self.variables: _Variables = (
            partial(os.getenv, variable or ""),
            partial(os.getenv, TOKEN_VARIABLE),
        )

    @property
    def url(self) -> str:
        """The base URL without a slash at its end; /v1 is added where it has no path."""
        url = self._base_url
        if url is None:
            url = os.environ.get(self._variable or "", "").strip() or self._default
            url = validate_base_url(url, self._variable or "base_url")
        if self._default.endswith("/v1") and not urlsplit(url).path:
            return url + "/v1"
        return url

    def read(self) -> tuple[str, str]:
        """Return the base URL and the token, both as of now; the token of an open API is "".

        Raises:
            MissingAuthError: There is no token, or one that cannot be sent.
            InvalidInputError: The base URL is not a URL.
        """
        return self.url, "" if self._is_open else self._read_token()

    def _read_token(self) -> str:
        if self._api_key is None:
            source = TOKEN_VARIABLE
        else:
            source = "api_key"
        token = Token(self._api_key or "")
        if self._api_key is None:
            token = Token(os.environ.get(TOKEN_VARIABLE) or _colab_secret())
        if not token.strip():
            raise _missing_token_error()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise MissingAuthError(
                f"The token in {source} has a line break, a blank or another character that no "
                "token has, as happens when it is read from a file.",
                hint=f"Use strip() on it, or copy it again from {TOKEN_PAGE}",
            )
        return token


def _missing_token_error() -> MissingAuthError:
    hint = (
        f"Set the environment variable {TOKEN_VARIABLE}, or pass api_key=. Tokens are made at "
        f"{TOKEN_PAGE}; replicate_sync.local() needs none."
    )
    if _COLAB in sys.modules:
        hint += (
            " In Colab, a secret of that name works as well (the key on the left), if this notebook"
            " has access to it."
        )
    return MissingAuthError("No API token.", hint=hint)


def _colab_secret() -> str:
    """Return the token from the secret store of Google Colab, or ""."""
    if _COLAB not in sys.modules:
        return ""
    try:
        return _read_colab_secret()
    except Exception:  # no such secret, no access, no response: each an exception of Colab's own
        return ""


@cache
def _read_colab_secret() -> str:
    # Once: Colab asks the browser each time, and only the first thread can wait for that.
    return str(import_module("google.colab.userdata").get(TOKEN_VARIABLE))


def validate_base_url(url: str, name: str) -> str:
    """Return a URL without a slash at its end.

    Args:
        url: The URL.
        name: What the message calls it.

    Raises:
        InvalidInputError: It is not an http or https URL.
    """
    try:
        parts = urlsplit(url.strip())
        has_port = parts.port is None or parts.port > 0
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and has_port
        is_valid = is_valid and not parts.query and not parts.fragment
    except (AttributeError, ValueError):
        is_valid = False
    if not is_valid:
        shown = type(url).__name__
        if isinstance(url, str):
            shown = repr(without_credentials(url))
        raise InvalidInputError(f"{name} is not a URL such as {API_URL!r}: {shown}")
    return url.strip().rstrip("/")


def without_credentials(url: str) -> str:
    """Return a URL, or what was meant to be one, without a user name, password and query in it."""
    before, at_sign, after = url.rpartition("@")
    after, mark, _ = after.partition("?")
    if mark:
        after += "?…"
    if not at_sign:
        return after
    scheme, slashes, _ = before.partition("//")
    if not slashes:
        scheme = ""
    return f"{scheme}{slashes}{after}"


def validate_proxy(proxy: str) -> str:
    """Return a proxy's URL; "" stands for no proxy at all, `host:port` for one of http.

    Raises:
        InvalidInputError: It is not the URL of a proxy.
    """
    try:
        if "://" in proxy or not proxy:
            url = proxy
        else:
            url = f"http://{proxy}"
        is_valid = not url or _is_proxy_url(url)
    except (AttributeError, TypeError, ValueError):
        is_valid = False
    if not is_valid:
        raise InvalidInputError(
            "proxy is not a URL such as 'http://127.0.0.1:8080'; pass one, or leave it out."
        )
    return url


def _is_proxy_url(url: str) -> bool:
    parts = urlsplit(url)
    has_host = bool(parts.hostname) and parts.port != 0
    return parts.scheme in _PROXY_SCHEMES and has_host and not any(map(str.isspace, url))


def origin(url: object) -> tuple[str, str, int] | None:
    """Return the scheme, host and port of a URL, or None where it is not a URL.

    Two spellings of one origin are equal: with and without the default port, and a host in other
    letters than ASCII as it is and as DNS has it.
    """
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        host = parts.hostname
        if host and not host.isascii():
            host = _host_in_dns(host)
    except ValueError:
        return None
    if not host or not port:
        return None
    return parts.scheme, host.lower(), port


def _host_in_dns(host: str) -> str | None:
    from requests import PreparedRequest  # late, as hosts are hardly ever like this

    prepared = PreparedRequest()
    prepared.prepare_url(f"https://{host}", None)
    return urlsplit(prepared.url or "").hostname
