"""The connection to the API that is recorded."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.response import BaseHTTPResponse

from ..hosts import loopback

_TIMEOUT = (10, 90)  # seconds to connect and of silence, as a wait may take 60
_PIECE = 2**16  # bytes


class UpstreamFailed(Exception):
    """There is no response. Its text says why."""


class Upstream:
    """Sends requests to the API, and to the hosts of its files.

    The proxies and the certificates of the environment are used, as by requests, but no proxy
    for this machine.

    Args:
        url: The base URL of the API, such as https://api.replicate.com/v1.

    Attributes:
        url: The base URL.
        origin: Scheme, host and port of it.
        prefix: Its path, with which every request begins.

    Raises:
        ValueError: It is no http or https URL.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"The URL to record is http or https, not {url!r}.")
        self.url: str = url.rstrip("/")
        self.origin: str = f"{parts.scheme}://{parts.netloc}"
        self.prefix: str = parts.path.rstrip("/")
        # The adapter of requests alone: a session would follow redirects, and read ~/.netrc.
        self._adapter = HTTPAdapter(pool_maxsize=32)
        self._environment = requests.Session()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> BaseHTTPResponse:
        """Send a request and return the response, whose body is still to be read.

        Raises:
            UpstreamFailed: There is no response.
        """
        try:
            message = requests.Request(method, url, headers=dict(headers), data=body).prepare()
            settings = self._environment.merge_environment_settings(url, {}, True, None, None)
            proxies = settings["proxies"]
            if loopback(urllib.parse.urlsplit(url).hostname):
                proxies = {}
            response = self._adapter.send(
                message,
                stream=True,
                timeout=_TIMEOUT,
                verify=settings["verify"] or True,
                proxies=proxies,
            )
        except (OSError, ValueError) as error:  # also where there is no file of certificates
            raise UpstreamFailed(str(error)) from error
        raw: BaseHTTPResponse = response.raw
        return raw


def read_pieces(response: BaseHTTPResponse) -> Iterator[bytes]:
    """Yield a response's body as it comes.

    Raises:
        UpstreamFailed: The connection ended before the body did.
    """
    try:
        while piece := response.read1(_PIECE, decode_content=True):
            yield piece
    except urllib3.exceptions.HTTPError as error:
        raise UpstreamFailed(str(error)) from error
    finally:
        response.close()
