"""A webhook is believed only where its signature, its time and its form are right."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
import responses

from replicate_sync.resources import webhook_signatures
from replicate_sync import Prediction, Replicate, Training, WebhookError

# Known signatures: secret, id, timestamp, body, signature.
VECTORS = [
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}', "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_2yGEvjbj5JfrCSTduf2IL4TZgFz", "1749452742", b'{"id":"ufawqhfynnddngldkgtslldrkq","status":"succeeded","output":"hello Alice"}', "v1,iIPKBuQogENGpuejf3735Kx7gPyUjl5tlin07lRdDKo="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_2yGEvjbj5JfrCSTduf2IL4TZgFz", "1749452742", '{"output":"héllo ☃"}'.encode(), "v1,zHXjVZhOQriRKdKsYiOFW99eLp804OymlDCdALBACxo="),
]  # fmt: skip
SECRET, ID, TIME, BODY, RIGHT = VECTORS[0]
WRONG = "v1," + base64.b64encode(b"0" * 32).decode()


def headers(**changes: str | None) -> dict[str, str]:
    given = {"webhook-id": ID, "webhook-timestamp": TIME, "webhook-signature": RIGHT}
    given.update({f"webhook-{name}": value for name, value in changes.items()})  # type: ignore[dict-item]
    return {name: value for name, value in given.items() if value is not None}


def signed(body: bytes, secret: str = SECRET, moment: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if moment is None else moment))
    key = base64.b64decode(secret.partition("_")[2])
    signature = hmac.new(key, b"msg_1." + stamp.encode() + b"." + body, "sha256").digest()
    names = {"Webhook-ID": "msg_1", "WEBHOOK-Timestamp": stamp}
    return {**names, "Webhook-Signature": "v1," + base64.b64encode(signature).decode()}


@pytest.mark.parametrize(("secret", "message", "moment", "body", "signature"), VECTORS)
def test_known_signatures_are_right(secret: str, message: str, moment: str, body: bytes, signature: str) -> None:
    given = {"webhook-id": message, "webhook-timestamp": moment, "webhook-signature": signature}
    for each in (body, body.decode()):
        assert webhook_signatures.verify(each, given, secret, tolerance=float("inf")) == json.loads(body)
    with pytest.raises(WebhookError, match="signature is wrong"):
        webhook_signatures.verify(body + b" ", given, secret, tolerance=float("inf"))


@pytest.mark.parametrize("listed", [f"{WRONG} {RIGHT}", f"v1a,{RIGHT[3:]} {RIGHT}", f"v2,x {RIGHT}", f"nonsense {RIGHT}"])
def test_one_right_signature_among_several_is_enough(listed: str) -> None:
    assert webhook_signatures.verify(BODY, headers(signature=listed), SECRET, tolerance=float("inf")) == {"test": 2432232314}


@pytest.mark.parametrize(
    ("given", "secret", "says"),
    [
        (headers(signature="v1,invalid_signature"), SECRET, "signature is wrong"),
        (headers(signature=WRONG), SECRET, "signature is wrong"),
        (headers(signature="v1a," + RIGHT[3:]), SECRET, "signature is wrong"),
        (headers(signature=RIGHT[3:]), SECRET, "signature is wrong"),
        (headers(signature=None), SECRET, "no header 'webhook-signature'"),
        (headers(id=None), SECRET, "no header 'webhook-id'"),
        (headers(timestamp=None), SECRET, "no header 'webhook-timestamp'"),
        (headers(timestamp=""), SECRET, "no header 'webhook-timestamp'"),
        (headers(timestamp="soon"), SECRET, "not a number of seconds"),
        (headers(timestamp="1614265331"), SECRET, "signature is wrong"),
        (headers(id="msg_other"), SECRET, "signature is wrong"),
        (headers(), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret is not one"),
        (headers(), "whsec_", "signature is wrong"),
        (headers(), "whsec_a_b", "secret is not one"),
        (headers(), "whsec_not base64", "secret is not one"),
        (headers(), None, "secret is not one"),
    ],
)
def test_all_else_is_refused(given: dict[str, str], secret: Any, says: str) -> None:
    with pytest.raises(WebhookError, match=says):
        webhook_signatures.verify(BODY, given, secret, tolerance=float("inf"))


def test_an_old_webhook_is_refused_and_so_is_one_from_the_future() -> None:
    for moment in (time.time() - 301, time.time() + 310, 0):
        with pytest.raises(WebhookError, match="tolerance=300"):
            webhook_signatures.verify(b"{}", signed(b"{}", moment=moment), SECRET)
    assert webhook_signatures.verify(b"{}", signed(b"{}", moment=time.time() - 290), SECRET) == {}
    with pytest.raises(ValueError, match="tolerance=10"):
        webhook_signatures.verify(b"{}", signed(b"{}", moment=time.time() - 20), SECRET, tolerance=10)


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff"])
def test_a_body_that_is_no_json_is_refused_though_it_is_signed(body: bytes) -> None:
    with pytest.raises(WebhookError, match="not JSON"):
        webhook_signatures.verify(body, signed(body), SECRET)


@responses.activate
def test_a_client_fetches_the_secret_once_and_gives_the_live_object() -> None:
    secret = "https://api.replicate.com/v1/webhooks/default/secret"
    responses.get(secret, json={"key": SECRET})
    client = Replicate("r8_x")
    for kind, noun in ((Prediction, "predictions"), (Training, "trainings")):
        urls = {"get": f"https://api.replicate.com/v1/{noun}/p1"}
        body = json.dumps({"id": "p1", "status": "succeeded", "output": "hi", "urls": urls}).encode()
        given = client.webhooks.receive(body, signed(body))
        assert type(given) is kind
        assert (given.id, given.output) == ("p1", "hi")
    assert len(responses.calls) == 1
    fresh = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    responses.replace("GET", secret, json={"key": fresh})
    assert client.webhooks.receive(body, signed(body, fresh)).id == "p1"
    with pytest.raises(WebhookError):
        client.webhooks.receive(body, signed(body, "whsec_" + base64.b64encode(b"other").decode()))
