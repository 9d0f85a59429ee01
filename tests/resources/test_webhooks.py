"""A webhook is accepted only where its signature, its time and its form are right."""

from __future__ import annotations

import base64
import hmac
import importlib.util
import json
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import responses
from werkzeug.serving import make_server

import replicate_sync
from replicate_sync import InvalidInputError, Prediction, Replicate, Training, WebhookError
from replicate_sync.offline import LocalReplicate
from replicate_sync.resources import webhooks
from replicate_sync.resources.webhooks import verify

# Known signatures: secret, id, timestamp, body, signature.
VECTORS = [
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}', "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_2yGEvjbj5JfrCSTduf2IL4TZgFz", "1749452742", b'{"id":"ufawqhfynnddngldkgtslldrkq","status":"succeeded","output":"hello Alice"}', "v1,iIPKBuQogENGpuejf3735Kx7gPyUjl5tlin07lRdDKo="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_2yGEvjbj5JfrCSTduf2IL4TZgFz", "1749452742", '{"output":"héllo ☃"}'.encode(), "v1,zHXjVZhOQriRKdKsYiOFW99eLp804OymlDCdALBACxo="),
]  # fmt: skip
SECRET, ID, TIME, BODY, RIGHT = VECTORS[0]
WRONG = "v1," + base64.b64encode(b"0" * 32).decode()


API = "https://api.replicate.com/v1"
EXAMPLE = Path(__file__).parents[2] / "examples" / "webhook.py"
ANY_TIME = float("inf")


def headers(**changes: str | None) -> dict[str, str]:
    """Return the headers of the first vector; a header that is None is left out."""
    values = {"id": ID, "timestamp": TIME, "signature": RIGHT, **changes}
    return {f"webhook-{name}": value for name, value in values.items() if value is not None}


def sign(body: bytes, secret: str = SECRET, sent_at: float | None = None) -> dict[str, str]:
    """Return the headers of a webhook that was sent now, or at another time."""
    timestamp = str(int(time.time() if sent_at is None else sent_at))
    key = base64.b64decode(secret.partition("_")[2])
    signature = hmac.new(key, b"msg_1." + timestamp.encode() + b"." + body, "sha256").digest()
    return {
        "Webhook-ID": "msg_1",
        "WEBHOOK-Timestamp": timestamp,
        "Webhook-Signature": "v1," + base64.b64encode(signature).decode(),
    }


# -- Verifying -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("secret", "message", "timestamp", "body", "signature"), VECTORS)
def test_a_known_signature_is_right(
    secret: str, message: str, timestamp: str, body: bytes, signature: str
) -> None:
    given = headers(id=message, timestamp=timestamp, signature=signature)
    for content in (body, body.decode()):
        assert verify(content, given, secret, tolerance=ANY_TIME) == json.loads(body)
    with pytest.raises(WebhookError, match="signature is wrong"):
        verify(body + b" ", given, secret, tolerance=ANY_TIME)


@pytest.mark.parametrize(
    "signatures",
    [f"{WRONG} {RIGHT}", f"v1a,{RIGHT[3:]} {RIGHT}", f"v2,x {RIGHT}", f"nonsense {RIGHT}"],
)
def test_one_right_signature_among_several_is_enough(signatures: str) -> None:
    given = headers(signature=signatures)
    assert verify(BODY, given, SECRET, tolerance=ANY_TIME) == {"test": 2432232314}


@pytest.mark.parametrize(
    ("given", "secret", "message"),
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
        (headers(), "whsec_", "secret is not one"),
        (headers(), "whsec_a_b", "secret is not one"),
        (headers(), "whsec_not base64", "secret is not one"),
        (headers(), None, "secret is not one"),
    ],
)
def test_anything_else_is_refused(given: dict[str, str], secret: Any, message: str) -> None:
    with pytest.raises(WebhookError, match=message):
        verify(BODY, given, secret, tolerance=ANY_TIME)


@pytest.mark.parametrize("age", [301, -310, 1_700_000_000])
def test_a_webhook_that_is_too_old_or_from_the_future_is_refused(age: float) -> None:
    given = sign(b"{}", sent_at=time.time() - age)
    with pytest.raises(WebhookError, match="tolerance=300"):
        verify(b"{}", given, SECRET)


def test_the_tolerance_is_a_parameter() -> None:
    assert verify(b"{}", sign(b"{}", sent_at=time.time() - 290), SECRET) == {}
    with pytest.raises(ValueError, match="tolerance=10"):
        verify(b"{}", sign(b"{}", sent_at=time.time() - 20), SECRET, tolerance=10)


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"\xff", b"[" * 100_000],
    ids=["empty", "text", "no UTF-8", "too deep"],
)
def test_a_body_that_is_no_json_is_refused_although_it_is_signed(body: bytes) -> None:
    with pytest.raises(WebhookError, match="not JSON"):
        verify(body, sign(body), SECRET)


@pytest.mark.parametrize("body", [{"id": "p1"}, None, 5])
def test_a_body_that_was_parsed_already_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInputError, match="as they came"):
        verify(body, sign(b"{}"), SECRET)


@pytest.mark.parametrize("headers", [None, [("webhook-id", "x")], "x"])
def test_headers_that_are_none_are_refused(headers: Any) -> None:
    with pytest.raises(InvalidInputError, match="headers must be those of the request, by name"):
        verify(b"{}", headers, SECRET)


def test_the_same_function_is_on_a_client_and_at_the_package() -> None:
    assert Replicate("r8_x").webhooks.verify(b"{}", sign(b"{}"), SECRET) == {}
    assert replicate_sync.webhooks.verify(b"{}", sign(b"{}"), SECRET) == {}


# -- Receiving -------------------------------------------------------------------------------------


def prediction_body(collection: str) -> bytes:
    urls = {"get": f"{API}/{collection}/p1"}
    data = {"id": "p1", "status": "succeeded", "output": "hi", "urls": urls}
    return json.dumps(data).encode()


@responses.activate
def test_a_client_fetches_the_secret_once_and_returns_the_live_object() -> None:
    responses.get(f"{API}/webhooks/default/secret", json={"key": SECRET})
    client = Replicate("r8_x")
    for kind, collection in ((Prediction, "predictions"), (Training, "trainings")):
        body = prediction_body(collection)
        received = client.webhooks.receive(body, sign(body))
        assert type(received) is kind
        assert (received.id, received.output) == ("p1", "hi")
    assert len(responses.calls) == 1


@responses.activate
def test_junk_costs_no_request() -> None:
    secret = responses.get(f"{API}/webhooks/default/secret", json={"key": SECRET})
    receive = Replicate("r8_x").webhooks.receive
    good = sign(b"{}")
    junk: list[dict[str, str]] = [
        {},
        {**good, "Webhook-Signature": "v1,"},
        {**good, "Webhook-Signature": "v1,QUJD v1,!!! v2," + "QUJD" * 11},
        {**good, "WEBHOOK-Timestamp": "1700000000"},
        {**good, "WEBHOOK-Timestamp": "soon"},
        {**good, "Webhook-ID": "\ud83d", "Webhook-Signature": "v1,\ud83d"},
    ]
    for given in junk:
        with pytest.raises(WebhookError):
            receive(b"{}", given)
    assert secret.call_count == 0


@responses.activate
def test_forged_signatures_have_the_secret_fetched_once() -> None:
    secret = responses.get(f"{API}/webhooks/default/secret", json={"key": SECRET})
    receive = Replicate("r8_x").webhooks.receive
    body = prediction_body("predictions")
    assert receive(body, sign(body)).id == "p1"
    for _ in range(50):
        with pytest.raises(WebhookError, match="signature is wrong"):
            receive(body, sign(body, VECTORS[1][0]))
    assert secret.call_count == 1


@responses.activate
def test_a_secret_that_was_replaced_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MIN_REFRESH_INTERVAL", 0)
    new_secret = VECTORS[1][0]
    url = f"{API}/webhooks/default/secret"
    responses.get(url, json={"key": SECRET})
    receive = Replicate("r8_x").webhooks.receive
    body = prediction_body("predictions")
    receive(body, sign(body))
    responses.replace("GET", url, json={"key": new_secret})
    assert receive(body, sign(body, new_secret)).id == "p1"
    for secret in (SECRET, "whsec_" + base64.b64encode(b"other").decode()):
        with pytest.raises(WebhookError, match="signature is wrong"):
            receive(body, sign(body, secret))


@responses.activate
def test_a_first_webhook_with_a_wrong_signature_is_refused_after_one_request() -> None:
    responses.get(f"{API}/webhooks/default/secret", json={"key": SECRET})
    body = prediction_body("predictions")
    with pytest.raises(WebhookError, match="signature is wrong"):
        Replicate("r8_x").webhooks.receive(body, sign(body, VECTORS[1][0]))
    assert len(responses.calls) == 1


@pytest.mark.parametrize("body", [b"5", b"[]", b"{}", b'{"id": "p1"}', b'{"urls": {"get": 5}}'])
@responses.activate
def test_a_signed_body_that_is_no_prediction_is_refused(body: bytes) -> None:
    responses.get(f"{API}/webhooks/default/secret", json={"key": SECRET})
    with pytest.raises(WebhookError, match="not a prediction with an id and a status"):
        Replicate("r8_x").webhooks.receive(body, sign(body))


@responses.activate
def test_an_account_without_a_secret_is_an_error() -> None:
    responses.get(f"{API}/webhooks/default/secret", json={"key": None})
    with pytest.raises(WebhookError, match="returned no webhook secret"):
        Replicate("r8_x").webhooks.receive(b"{}", sign(b"{}"))


# -- The example -----------------------------------------------------------------------------------


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_example", EXAMPLE)
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def test_the_example_receiver_accepts_what_the_local_server_signed_and_nothing_else(
    local: LocalReplicate, local_client: Replicate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", local.server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", local.server.token)
    example = load_example()
    receiver = make_server("127.0.0.1", 0, example.app)
    threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    try:
        prediction = local_client.predictions.create(
            "replicate/hello-world",
            {"text": "Alice"},
            webhook=f"http://127.0.0.1:{receiver.server_port}/replicate",
            webhook_events_filter=["completed"],
        )
        end = time.monotonic() + 5
        while prediction.id not in example.done and time.monotonic() < end:
            time.sleep(0.01)
        assert example.done == {prediction.id: "hello Alice"}
        forged = example.app.test_client().post("/replicate", data=b"{}", headers=headers())
        assert forged.status_code == 400
    finally:
        receiver.shutdown()
        receiver.server_close()
