"""The connection to the API that is recorded."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping

import urllib3
from urllib3.response import BaseHTTPResponse

_TIMEOUT = urllib3.Timeout(connect=10, read=90)  # seconds; a wait may take 60 of silence
_PIECE = 2**16  # bytes


class UpstreamFailed(Exception):
    """There is no response. Its text says why."""


class Upstream:
    """Sends requests to the API, and to the hosts of its files.

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
        self._pool = urllib3.PoolManager(maxsize=32)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> BaseHTTPResponse:
        """Send a request and return the response, whose body is still to be read.

        Raises:
            UpstreamFailed: There is no response.
        """
        try:
            return self._pool.request(
                method,
                url,
                headers=dict(headers),
                body=body or None,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
            )
        except urllib3.exceptions.HTTPError as error:
            raise UpstreamFailed(str(error)) from error


def read_pieces(response: BaseHTTPResponse) -> Iterator[bytes]:
    """Yield a response's body as it comes.

    Raises:
        UpstreamFailed: The connection ended before the body did.
    """
    try:
        while piece := response.read1(_PIECE):
            yield piece
    except urllib3.exceptions.HTTPError as error:
        raise UpstreamFailed(str(error)) from error
    finally:
        response.close()
