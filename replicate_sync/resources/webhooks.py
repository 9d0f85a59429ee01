"""Webhooks: whether one really comes from Replicate, and what it says.

Replicate signs as Standard Webhooks defines it, see
https://replicate.com/docs/topics/webhooks/verify-webhook
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from time import monotonic, time
from typing import Any, NamedTuple, Protocol

from ..exceptions import InvalidInputError, UnexpectedDataError, WebhookError
from ..http.transport import Transport
from ..prediction.prediction import Prediction
from ..prediction.training import Training
from .base import Record, Resource
from .predictions import Predictions
from .trainings import Trainings

_TIMESTAMP = re.compile(r"-?[0-9]{1,18}")
_DIGEST_SIZE = 32  # bytes of a signature
# Seconds after which a wrong signature may have the secret fetched again: anybody can send some.
MIN_REFRESH_INTERVAL = 60.0


class Secret(Record):
    """The key that signs an account's webhooks. Its repr does not show it.

    Examples:
        >>> secret = client.webhooks.default.secret.get()
        >>> secret.key[:6]
        'whsec_'
    """

    _hidden_fields = ("key",)

    key: str | None = None


class Headers(Protocol):
    """The headers of a request, as any framework has them: a dict, or what has items."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return names and values."""


def verify(body: bytes | str, headers: Headers, secret: str, *, tolerance: float = 300) -> Any:
    """Return the parsed body of a webhook whose signature is right.

    Args:
        body: The body of the request as it came, to the byte.
        headers: The headers of the request; the case of their names does not matter.
        secret: The account's key, "whsec_…", as `client.webhooks.default.secret.get()` returns it.
        tolerance: How many seconds the clock of the sender and this one may differ.

    Raises:
        WebhookError: A header is missing, the signature is wrong, the time is too far off, the
            body is not JSON, or the secret is not one.
        InvalidInputError: The body is neither bytes nor text.

    Examples:
        >>> from replicate_sync.webhooks import verify
    """
    return _Webhook.parse(body, headers, tolerance).verify(secret)


class _Webhook(NamedTuple):
    """A webhook whose headers are as Replicate's are; who has signed it is not known yet."""

    body: bytes
    #: What is signed: the id, the time and the body.
    signed: bytes
    signatures: Sequence[bytes]

    @classmethod
    def parse(cls, body: bytes | str, headers: Headers, tolerance: float) -> _Webhook:
        """Return a webhook, or raise what is wrong with it whatever the secret is."""
        if isinstance(body, str):
            content = body.encode(errors="replace")
        elif isinstance(body, bytes | bytearray | memoryview):
            content = bytes(body)
        else:
            raise InvalidInputError(
                f"body must be the bytes of the request as they came, not {type(body).__name__}."
            )
        if not callable(getattr(headers, "items", None)):
            raise InvalidInputError(
                f"headers must be those of the request, by name, not {type(headers).__name__}."
            )
        values = {str(name).lower(): str(value) for name, value in headers.items()}
        message_id = _header(values, "webhook-id")
        timestamp = _header(values, "webhook-timestamp")
        signatures = [_decode(entry) for entry in _header(values, "webhook-signature").split()]
        _validate_timestamp(timestamp, tolerance)
        head = f"{message_id}.{timestamp}.".encode(errors="replace")
        plausible = [signature for signature in signatures if len(signature) == _DIGEST_SIZE]
        if not plausible:
            raise _wrong_signature_error()
        return cls(content, head + content, plausible)

    def verify(self, secret: str) -> Any:
        """Return the parsed body, or raise that it is not signed with this secret."""
        digest = hmac.new(_key_of(secret), self.signed, "sha256").digest()
        # Each one is compared, and in constant time, so that the time it takes says nothing.
        matches = [hmac.compare_digest(signature, digest) for signature in self.signatures]
        if not any(matches):
            raise _wrong_signature_error()
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise WebhookError("The webhook's body is not JSON.") from error


def _wrong_signature_error() -> WebhookError:
    return WebhookError(
        "The webhook's signature is wrong: it does not come from Replicate, its body was "
        "changed on the way, or the secret is another account's.",
        hint="Pass the raw bytes of the body.",
    )


class Secrets(Resource):
    """The key that signs the account's webhooks: `get`.

    Examples:
        >>> client.webhooks.default.secret.get().key[:6]
        'whsec_'
    """

    def get(self) -> Secret:
        """Return the key.

        See https://replicate.com/docs/reference/http#webhooks.default.secret.get

        Raises:
            AuthenticationError: The token was refused.
            ConnectionFailed: There was no response; likewise any other ResponseError.

        Examples:
            >>> client.webhooks.default.secret.get().key[:6]
            'whsec_'
        """
        return self._transport.request("GET", "/webhooks/default/secret", build=Secret.from_json)


class DefaultWebhook:
    """The webhook that every account has; `secret` has its key.

    Args:
        transport: Sends the requests.

    Examples:
        >>> client.webhooks.default.secret.get().key[:6]
        'whsec_'
    """

    def __init__(self, transport: Transport) -> None:
        self.secret: Secrets = Secrets(transport)


class Webhooks(Resource):
    """Webhooks: `receive` one; `verify` one by a key; `default.secret.get` returns the key.

    Args:
        predictions: The client's predictions.
        trainings: The client's trainings.

    Examples:
        >>> try:
        ...     client.webhooks.receive(b"{}", {})  # the body and the headers of a request
        ... except WebhookError:
        ...     print("refused")
        refused
    """

    def __init__(self, predictions: Predictions, trainings: Trainings) -> None:
        super().__init__(predictions.context.transport)
        self.default: DefaultWebhook = DefaultWebhook(self._transport)
        self._predictions = predictions
        self._trainings = trainings
        self._key: str | None = None
        self._fetched_at = -inf

    @staticmethod
    def verify(body: bytes | str, headers: Headers, secret: str, *, tolerance: float = 300) -> Any:
        """Return the parsed body of a webhook whose signature is right.

        Args:
            body: See the function `verify`; likewise all other arguments.
            headers: See there.
            secret: See there.
            tolerance: See there.

        Raises:
            WebhookError: See there.

        Examples:
            >>> key = client.webhooks.default.secret.get().key
            >>> client.webhooks.verify(b"{}", {"webhook-id": "1"}, key)
            Traceback (most recent call last):
                ...
            replicate_sync.exceptions.WebhookError: ...
        """
        return verify(body, headers, secret, tolerance=tolerance)

    def receive(
        self, body: bytes | str, headers: Headers, *, tolerance: float = 300
    ) -> Prediction | Training:
        """Return the live prediction or training of a webhook, if its signature is right.

        The account's key is fetched once, and only for a webhook that has the form of Replicate's.
        If a signature is wrong, the key is fetched again, as it may have been replaced, but at most
        once a minute.

        Args:
            body: The body of the request as it came, to the byte.
            headers: The headers of the request.
            tolerance: How many seconds the clock of the sender and this one may differ.

        Raises:
            WebhookError: As `verify` does.

        Examples:
            >>> try:
            ...     prediction = client.webhooks.receive(b"{}", {})  # of a request
            ... except WebhookError as error:
            ...     print("respond with 400")
            respond with 400
        """
        webhook = _Webhook.parse(body, headers, tolerance)
        key = self._key or self._fetch_key()
        try:
            payload = webhook.verify(key)
        except WebhookError:
            if monotonic() - self._fetched_at < MIN_REFRESH_INTERVAL:
                raise
            payload = webhook.verify(self._fetch_key())
        if isinstance(payload, dict):
            urls = payload.get("urls")
        else:
            urls = None
        is_training = isinstance(urls, dict) and "/trainings/" in str(urls.get("get"))
        try:
            if is_training:
                return self._trainings.from_json(payload)
            return self._predictions.from_json(payload)
        except UnexpectedDataError as error:
            raise WebhookError(f"The webhook's body is not {error.expected}.") from error

    def _fetch_key(self) -> str:
        self._fetched_at = monotonic()
        self._key = self.default.secret.get().key
        if not isinstance(self._key, str):
            raise WebhookError("The API returned no webhook secret.")
        return self._key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise WebhookError(
            f"The webhook has no header {name!r}: it is not Replicate's, or something between "
            "has removed it."
        )
    return value


def _validate_timestamp(timestamp: str, tolerance: float) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookError(
            f"The webhook's timestamp is not a number of seconds: {timestamp[:40]!r}."
        )
    age = time() - int(timestamp)
    if not abs(age) <= tolerance:
        raise WebhookError(
            f"The webhook is dated {age:.0f} s ago, and tolerance={tolerance:g} allows less: it "
            "may be an old one that somebody sends again, or this machine's clock is wrong."
        )


def _key_of(secret: str) -> bytes:
    text = secret if isinstance(secret, str) else ""
    prefix, _, key = text.partition("_")
    try:
        if prefix != "whsec":
            raise ValueError("no prefix")
        decoded = base64.b64decode(key, validate=True)
        if not decoded:
            raise ValueError("nobody's secret is empty")
        return decoded
    except ValueError:
        raise WebhookError(
            "The webhook secret is not one: it is 'whsec_' followed by base64."
        ) from None


def _decode(entry: str) -> bytes:
    version, _, signature = entry.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError:
        return b""
