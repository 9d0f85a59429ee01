"""Who may send requests to the gateway: programs of this machine, or whoever has its key.

On this machine no key is needed, so that a web page must be kept out: a browser sends what any page
tells it to. `Host` must be a name of this machine, as a page's own name may be made to lead here,
and `Origin` must be the gateway's own, or one that was allowed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..server.hosts import loopback
from .errors import GatewayError
from .settings import GatewaySettings


def check_access(settings: GatewaySettings, host: str, origin: str, authorization: str) -> None:
    """Raise GatewayError for a request that may not be sent.

    Args:
        settings: The gateway's.
        host: The header `Host`.
        origin: The header `Origin`, "" where there is none.
        authorization: The header `Authorization`, "" where there is none.
    """
    if settings.key:
        scheme, _, key = authorization.partition(" ")
        is_right = hmac.compare_digest(key.strip().encode(), settings.key.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise GatewayError(
                401,
                "The key of this gateway is needed, as `Authorization: Bearer …`.",
                "authentication_error",
                "invalid_api_key",
            )
        return
    if not loopback(_name(host)):
        raise GatewayError(
            403,
            f"This gateway is not known as {host[:100]!r}; its name is 127.0.0.1 or localhost.",
            "permission_error",
        )
    is_own = not origin or origin.partition("://")[2].lower() == host.lower()
    if not is_own and not settings.allows(origin):
        raise GatewayError(
            403,
            "A web page of another origin may not use this gateway; --allow-origin allows it.",
            "permission_error",
        )


def cors_headers(settings: GatewaySettings, asked: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that let a browser's page read the response, if its origin is allowed.

    See https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS

    Args:
        settings: The gateway's.
        asked: The headers of the request.
    """
    origin = asked.get("Origin", "")
    if not settings.allows(origin):
        return {}
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After, x-should-retry",
        "Vary": "Origin",
    }
    if "Access-Control-Request-Method" in asked:
        headers["Access-Control-Allow-Methods"] = "GET, POST"
        headers["Access-Control-Allow-Headers"] = asked.get("Access-Control-Request-Headers", "")
        headers["Access-Control-Max-Age"] = "600"
    if "Access-Control-Request-Private-Network" in asked:
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
