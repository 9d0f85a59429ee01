"""Webhooks: whether one really comes from Replicate, and what it says.

Replicate signs as Standard Webhooks has it: https://replicate.com/docs/topics/webhooks/verify-webhook
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from time import time
from typing import Any, Protocol

from .errors import WebhookError

__all__ = ["Headers", "verify"]


class Headers(Protocol):
    """A request's headers, as any framework has them: a dict, or what has items."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Give names and values."""


def verify(body: bytes | str, headers: Headers, secret: str, *, tolerance: float = 300) -> Any:
    """Give the decoded payload of a webhook whose signature is right.

    `body`: the request's body as it came, to the byte. `headers`: the request's, names in any case. `secret`: the
    account's key, "whsec_…", as `client.webhooks.default.secret.get()` gives it. `tolerance`: the seconds that the
    webhook's clock and this one may differ.

    Raises WebhookError for a header that is missing, a signature that is wrong, a time that is too far off, a body that is
    no JSON, and a secret that is none.
    """
    content = body.encode() if isinstance(body, str) else bytes(body)
    given = {str(name).lower(): str(value) for name, value in headers.items()}
    message, moment = _header(given, "webhook-id"), _header(given, "webhook-timestamp")
    signatures = _header(given, "webhook-signature")
    try:
        seconds = int(moment)
    except ValueError:
        raise WebhookError(f"The webhook's timestamp is not a number of seconds: {moment[:40]!r}.") from None
    if not abs(time() - seconds) <= tolerance:
        raise WebhookError(
            f"The webhook is dated {time() - seconds:.0f} s ago, and tolerance={tolerance:g} allows less: it may be an old "
            "one that somebody sends again, or this machine's clock is wrong."
        )
    signed = hmac.new(_key(secret), b".".join((message.encode(), moment.encode(), content)), "sha256").digest()
    # Every entry is compared, and each in constant time, so that the time taken tells nothing.
    right = [hmac.compare_digest(_decoded(entry), signed) for entry in signatures.split()]
    if not any(right):
        raise WebhookError(
            "The webhook's signature is wrong: it does not come from Replicate, its body was changed on the way (pass the "
            "raw bytes), or the secret is another account's."
        )
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WebhookError("The webhook's body is not JSON.") from error


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise WebhookError(f"The webhook has no header {name!r}: it is not Replicate's, or something took it away.")
    return value


def _key(secret: str) -> bytes:
    prefix, _, key = secret.partition("_") if isinstance(secret, str) else ("", "", "")
    try:
        if prefix != "whsec":
            raise ValueError("no prefix")
        return base64.b64decode(key, validate=True)
    except ValueError:
        raise WebhookError("The webhook secret is not one: it looks like 'whsec_' and base64 behind it.") from None


def _decoded(entry: str) -> bytes:
    version, _, signature = entry.partition(",")
    try:
        return base64.b64decode(signature, validate=True) if version == "v1" else b""
    except ValueError:
        return b""
