# %% the secret
import replicate

secret = replicate.webhooks.default.secret()
print(secret.key.startswith("whsec_"), type(secret).__name__)

# %% validated
import base64
import hashlib
import hmac

from replicate.webhook import Webhooks, WebhookSigningSecret

secret = WebhookSigningSecret(key="whsec_" + base64.b64encode(b"0123456789").decode())
body = '{"id": "p1"}'
signed = f"msg_1.1700000000.{body}".encode()
signature = base64.b64encode(hmac.new(b"0123456789", signed, hashlib.sha256).digest()).decode()
headers = {
    "Webhook-Id": "msg_1",
    "Webhook-Timestamp": "1700000000",
    "Webhook-Signature": f"v1,{signature}",
}
print(Webhooks.validate(headers=headers, body=body, secret=secret))
for wrong in ({"body": body + " "}, {"headers": {}}, {"body": ""}, {"tolerance": 60}):
    try:
        Webhooks.validate(**{"headers": headers, "body": body, "secret": secret, **wrong})
    except ValueError as error:
        print(type(error).__name__, error)
for name in headers:
    try:
        others = {key: value for key, value in headers.items() if key != name}
        Webhooks.validate(headers=others, body=body, secret=secret)
    except ValueError as error:
        print(type(error).__name__, error)

# %% a request
import base64
import hashlib
import hmac

import replicate
from replicate.webhook import WebhookSigningSecret

body = '{"id": "p1"}'
signed = f"msg_1.1700000000.{body}".encode()
signature = base64.b64encode(hmac.new(b"key", signed, hashlib.sha256).digest()).decode()


class Request:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"v1,x v1,{signature}".replace("v1,x ", ""),
    }
    content = body.encode()


secret = WebhookSigningSecret(key="whsec_" + base64.b64encode(b"key").decode())
print(replicate.webhooks.validate(request=Request(), secret=secret))

# %% arguments that are wrong
from replicate.webhook import (
    InvalidSecretKeyError,
    Webhooks,
    WebhookSigningSecret,
    WebhookValidationError,
)

headers = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": "v1,YQ=="}
for arguments in (
    {"headers": headers, "body": "x"},
    {"headers": headers, "body": "x", "secret": WebhookSigningSecret(key="nokey")},
    {
        "headers": {**headers, "webhook-signature": "x"},
        "body": "x",
        "secret": WebhookSigningSecret(key="whsec_YQ=="),
    },
    {"headers": headers, "body": "x", "secret": WebhookSigningSecret(key="whsec_YQ==")},
):
    try:
        Webhooks.validate(**arguments)
    except ValueError as error:
        print(type(error).__name__, error)
print(
    issubclass(InvalidSecretKeyError, WebhookValidationError),
    issubclass(WebhookValidationError, ValueError),
)
