"""Webhooks: what is sent, when, how it is signed, and what is retried."""

from __future__ import annotations

import base64
import hmac
import http.server
import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from replicate_sync.server import LocalServer
from replicate_sync.server.webhooks import WebhookTiming, sign

HELLO = "replicate/hello-world"


class Receiver(http.server.ThreadingHTTPServer):
    """A program that accepts webhooks, and responds to each with the next of `statuses`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[float, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.changed = threading.Condition()
        self.url = f"http://127.0.0.1:{self.server_port}/hook?a=b"

    def bodies(self, count: int) -> list[dict[str, Any]]:
        """The bodies, once there are so many of them."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 5), self.received
            return [json.loads(body) for _, _, body in self.received]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        with self.server.changed:  # before the response, after which the next message may come
            headers = {
                **{name.lower(): value for name, value in self.headers.items()},
                "path": self.path,
            }
            self.server.received.append((time.monotonic(), headers, body))
            self.server.changed.notify_all()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick(local: LocalServer) -> None:
    local.webhook_timing = WebhookTiming(interval=0.05, retry_delays=(0.01, 0.01, 0.01))


def create(
    call: Any, webhook: str, version: str = HELLO, events: list[str] | None = None, **input: Any
) -> dict[str, Any]:
    given = {"text": "you"} if version == HELLO else input
    body = {"version": version, "input": given, "webhook": webhook}
    response = call.post(
        "/v1/predictions", body | ({} if events is None else {"webhook_events_filter": events})
    )
    assert response.status_code == 201, response.text
    return response.json()


def idle() -> None:
    """Wait until nothing is being sent."""
    for thread in [
        thread for thread in threading.enumerate() if thread.name.startswith("webhook-")
    ]:
        thread.join(5)
        assert not thread.is_alive()


def test_the_end_is_sent_as_a_get_shows_it(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    made = create(call, receiver.url, events=["completed"])
    receiver.bodies(1)
    _, headers, body = receiver.received[0]
    assert body == call.get(made["urls"]["get"]).content
    assert (headers["path"], headers["content-type"]) == ("/hook?a=b", "application/json")
    idle()
    assert len(receiver.received) == 1


def test_every_message_is_signed_with_the_secret(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    key = call.get("/v1/webhooks/default/secret").json()
    assert key == {"key": local.webhook_secret}
    raw = base64.b64decode(key["key"].removeprefix("whsec_"))
    assert len(raw) == 24
    create(call, receiver.url, events=["start", "completed"])
    receiver.bodies(2)
    ids = set()
    for _, headers, body in receiver.received:
        id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        digest = hmac.new(raw, f"{id}.{timestamp}.".encode() + body, "sha256").digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert abs(time.time() - int(timestamp)) < 5
        ids.add(id)
    assert len(ids) == 2
    assert LocalServer().webhook_secret != LocalServer().webhook_secret


@pytest.mark.parametrize(
    ("secret", "id", "timestamp", "body", "signature"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
         b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_2yGEvjbj5JfrCSTduf2IL4TZgFz", "1749452742",
         '{"output":"héllo ☃"}'.encode(), "v1,zHXjVZhOQriRKdKsYiOFW99eLp804OymlDCdALBACxo="),
    ],
)  # fmt: skip
def test_known_signatures_are_reproduced(
    secret: str, id: str, timestamp: str, body: bytes, signature: str
) -> None:
    assert sign(secret, id, timestamp, body) == signature


def test_the_start_is_sent_first_and_as_it_was(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    create(call, receiver.url, events=["start", "output", "completed"])
    sent = receiver.bodies(2)
    while sent[-1]["status"] == "processing":  # its output was sent before its end
        sent = receiver.bodies(len(sent) + 1)
    assert sent[0]["status"] == "starting"
    assert [sent[0][key] for key in ("started_at", "output", "logs", "metrics")] == [
        None,
        None,
        None,
        {},
    ]
    assert (sent[-1]["status"], sent[-1]["output"]) == ("succeeded", "hello you")


@pytest.mark.slow
def test_output_and_logs_are_sent_at_most_once_per_interval(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    local.webhook_timing = WebhookTiming(interval=0.1)

    @local.model("me/pieces")
    def pieces() -> Iterator[str]:
        end = time.monotonic() + 0.25
        while time.monotonic() < end:
            yield "x"
            time.sleep(0.002)

    create(call, receiver.url, "me/pieces", ["output"])
    idle()
    sent = receiver.bodies(3)
    moments = [moment for moment, _, _ in receiver.received]
    assert len(sent) <= 7
    assert all(later - sooner > 0.07 for sooner, later in itertools.pairwise(moments))
    assert {body["status"] for body in sent} == {"processing"}
    lengths = [len(body["output"]) for body in sent]
    assert lengths == sorted(set(lengths))
    assert lengths[-1] > 20


def test_all_of_the_output_is_sent_where_the_end_is_not(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    made = create(call, receiver.url, events=["output"])
    idle()
    sent = receiver.bodies(1)
    assert [body["output"] for body in sent] == ["hello you"]
    assert call.get(made["urls"]["get"]).json()["status"] == "succeeded"


def test_logs_are_sent_where_the_filter_names_them(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    create(call, receiver.url, "local/always-fails", ["logs"], prompt="x")
    idle()
    assert "was given 'x'" in receiver.bodies(1)[-1]["logs"]


def test_without_a_filter_output_and_end_are_sent(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    @local.model("me/one")
    def one() -> Iterator[str]:
        yield "a"
        with receiver.changed:
            receiver.changed.wait_for(lambda: receiver.received, 5)

    create(call, receiver.url, "me/one")
    assert [body["status"] for body in receiver.bodies(2)] == ["processing", "succeeded"]


@pytest.mark.slow
def test_only_the_end_is_retried(local: LocalServer, call: Any, receiver: Receiver) -> None:
    receiver.statuses = [500, 404, 302, 500]
    create(call, receiver.url, events=["start", "completed"])
    sent = receiver.bodies(5)
    idle()
    assert [body["status"] for body in sent] == ["starting"] + ["succeeded"] * 4
    headers = [headers for _, headers, _ in receiver.received]
    assert {one["path"] for one in headers} == {"/hook?a=b"}
    assert len({one["webhook-id"] for one in headers[1:]}) == 1
    assert len(receiver.received) == 5


def test_after_four_attempts_nothing_more_is_sent(
    local: LocalServer, call: Any, receiver: Receiver
) -> None:
    receiver.statuses = [500] * 9
    create(call, receiver.url, events=["completed"])
    receiver.bodies(4)
    idle()
    assert len(receiver.received) == 4


@pytest.mark.slow
def test_a_receiver_that_is_away_is_not_logged(
    local: LocalServer, call: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    made = create(call, "http://127.0.0.1:9/hook", events=["start", "output", "logs", "completed"])
    call.until(made, lambda body: body["status"] == "succeeded")
    create(call, "https://localhost:9", events=["completed"])
    create(call, f"https://127.0.0.1:{local.port}/no-tls", events=["completed"])
    idle()
    assert capfd.readouterr() == ("", "")


def test_a_cancel_is_sent(local: LocalServer, call: Any, receiver: Receiver) -> None:
    made = create(call, receiver.url, "local/slow", seconds=60)
    call.post(made["urls"]["cancel"])
    assert receiver.bodies(1)[-1]["status"] == "canceled"


@pytest.mark.slow
def test_a_training_is_sent_too(local: LocalServer, call: Any, receiver: Receiver) -> None:
    call.post(
        "/v1/models", {"owner": "local", "name": "mine", "visibility": "private", "hardware": "cpu"}
    )
    version = call.get("/v1/models/local/trainer").json()["latest_version"]["id"]
    body = {"destination": "local/mine", "input": {"steps": 2}, "webhook": receiver.url}
    made = call.post(f"/v1/models/local/trainer/versions/{version}/trainings", body).json()
    sent = receiver.bodies(1)
    while sent[-1]["status"] != "succeeded":
        sent = receiver.bodies(len(sent) + 1)
    assert sent[-1] == call.get(f"/v1/trainings/{made['id']}").json()


def test_a_stop_ends_every_sender(local: LocalServer, call: Any, receiver: Receiver) -> None:
    create(call, receiver.url, "local/slow", seconds=60)
    local.stop()
    idle()
    assert receiver.received == []
