"""Webhooks, as the official client validates them.

Unlike there, a body of bytes is validated as it is. As there, the time is looked at only with
`tolerance=`; `replicate_sync.Webhooks.receive` allows five minutes by default.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from time import time
from typing import Any

from .resource import Namespace, Resource


class WebhookSigningSecret(Resource):
    """The key that signs an account's webhooks."""

    key: str


class WebhookValidationError(ValueError):
    """A webhook does not come from Replicate, or not as it was sent."""


class MissingWebhookHeaderError(WebhookValidationError):
    """A header is missing."""


class InvalidSecretKeyError(WebhookValidationError):
    """The secret is none."""


class MissingWebhookBodyError(WebhookValidationError):
    """There is no body."""


class InvalidTimestampError(WebhookValidationError):
    """The webhook is too old, or of the future."""


class InvalidSignatureError(WebhookValidationError):
    """The signature is wrong."""


class Webhooks(Namespace):
    """Webhooks: `validate`, and `default.secret`."""

    class Default(Namespace):
        """The webhook that every account has: `secret`."""

        def secret(self) -> WebhookSigningSecret:
            """Return the key that signs the account's webhooks.

            Raises:
                ReplicateError: The API refused.
            """
            return WebhookSigningSecret(**self._client.request("GET", "/webhooks/default/secret"))

    @property
    def default(self) -> Webhooks.Default:
        """The webhook that every account has: `secret`."""
        return self.Default(self._client)

    @staticmethod
    def validate(
        request: Any = None,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        secret: WebhookSigningSecret | None = None,
        tolerance: int | None = None,
    ) -> None:
        """Raise unless a webhook is signed with the account's key.

        Args:
            request: The request: anything with `headers` and `content`.
            headers: Instead of a request, its headers.
            body: And its body.
            secret: The key, as `webhooks.default.secret()` returns it.
            tolerance: How many seconds old the webhook may be; None for any age.

        Raises:
            WebhookValidationError: It is not signed so, is too old, or something is missing.
            ValueError: An argument is missing.
        """
        if not secret:
            raise ValueError("Missing webhook signing secret")
        if request and any([headers, body]):
            raise ValueError("Only one of request or headers/body can be provided")
        if request and request.headers:
            headers = request.headers
            body = request.content
        if not headers:
            raise MissingWebhookHeaderError("Missing webhook headers")
        values = {name.lower(): value for name, value in headers.items()}
        for part in ("id", "timestamp", "signature"):
            if not values.get(f"webhook-{part}"):
                raise MissingWebhookHeaderError(f"Missing webhook {part}")
        if not body:
            raise MissingWebhookBodyError("Missing webhook body")
        timestamp = values["webhook-timestamp"]
        if tolerance is not None:
            _validate_timestamp(timestamp, tolerance)
        content = body.encode() if isinstance(body, str) else bytes(body)
        signed = f"{values['webhook-id']}.{timestamp}.".encode() + content
        digest = hmac.new(_key_of(secret.key), signed, "sha256").digest()
        signatures = [_decode(entry) for entry in values["webhook-signature"].split()]
        if not any(hmac.compare_digest(one, digest) for one in signatures):
            raise InvalidSignatureError("Webhook signature is invalid")


def _validate_timestamp(timestamp: str, tolerance: int) -> None:
    try:
        age = abs(int(time()) - int(timestamp))
    except ValueError:
        raise InvalidTimestampError(f"Invalid webhook timestamp: {timestamp[:40]!r}") from None
    if age > tolerance:
        raise InvalidTimestampError(
            f"Webhook timestamp is outside the allowed tolerance of {tolerance} seconds"
        )


def _key_of(secret: str) -> bytes:
    parts = secret.split("_")
    if len(parts) != 2:
        raise InvalidSecretKeyError(f"Invalid secret key format: {secret}")
    return base64.b64decode(parts[1])


def _decode(entry: str) -> bytes:
    _, comma, signature = entry.partition(",")
    if not comma:
        raise InvalidSignatureError(f"Invalid signature format: {entry}")
    return base64.b64decode(signature)
