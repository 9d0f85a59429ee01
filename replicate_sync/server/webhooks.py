"""Webhooks: the state of a prediction, sent by POST to a program of this machine, and signed.

Replicate accepts only https URLs, of any host. This server accepts http as well, and only URLs of
this machine.

API: https://replicate.com/docs/topics/webhooks
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import math
import secrets
import string
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, overload

from . import timestamps
from .job import Job

EVENTS = ("start", "output", "logs", "completed")
_DEFAULT_EVENTS = ("output", "completed")
_TIMEOUT = 5  # seconds for an attempt
_MAX_DELIVERIES = 1000  # that are logged
_MAX_LOGGED_BYTES = 16 * 2**20
_LETTERS = string.ascii_letters + string.digits

SerializeJob = Callable[[Job, bool], bytes]
"""Returns the JSON of a job; with True, that of a finished job as it was before its end."""


def new_secret() -> str:
    """Return a new secret to sign with."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"


def sign(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message, as the header `webhook-signature` has it.

    Args:
        secret: "whsec_" and the base64 of the key.
        id: The id of the message.
        timestamp: When it is sent, in seconds since 1970.
        body: The body of the request.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True)
class WebhookTiming:
    """How often webhooks are sent.

    Attributes:
        interval: The fewest seconds between two messages of output, or of logs.
        retry_delays: The seconds before each further attempt to send the last message.
    """

    interval: float = 0.5
    retry_delays: tuple[float, ...] = (0.2, 0.4, 0.8)


class Delivery(NamedTuple):
    """One attempt to send a message.

    Attributes:
        number: Which attempt of the server it is, from 1.
        time: When it was made, in UTC.
        prediction: The id of the prediction.
        event: The status that the message has.
        url: Where it was sent.
        headers: The headers, with a signature.
        body: The body.
        status: The status code of the response, or None.
        error: Why there is none, or None.
        seconds: How long it took.
    """

    number: int
    time: datetime
    prediction: str
    event: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    error: str | None
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether the response was a 2xx."""
        return self.status is not None and 200 <= self.status < 300


class WebhookLog(Sequence[Delivery]):
    """What was sent, oldest first: the last 1,000, and at most 16 MB of them."""

    def __init__(self) -> None:
        self._deliveries: deque[Delivery] = deque()
        self._count = 0
        self._bytes = 0
        self._lock = threading.Lock()

    @overload
    def __getitem__(self, index: int) -> Delivery: ...

    @overload
    def __getitem__(self, index: slice) -> list[Delivery]: ...

    def __getitem__(self, index: int | slice) -> Delivery | list[Delivery]:
        """Return an attempt, such as `[-1]` for the last one, or some of them."""
        with self._lock:
            return list(self._deliveries)[index]

    def __len__(self) -> int:
        return len(self._deliveries)

    def add(self, delivery: Delivery) -> None:
        """Add an attempt, which gets its number here."""
        with self._lock:
            self._count += 1
            self._deliveries.append(delivery._replace(number=self._count))
            self._bytes += len(delivery.body)
            while len(self._deliveries) > _MAX_DELIVERIES or self._bytes > _MAX_LOGGED_BYTES:
                self._bytes -= len(self._deliveries.popleft().body)


class WebhookSender:
    """Sends the webhook of one prediction, in a thread of its own.

    Output and logs are sent at most once per interval each, the start and the end always. Only the
    message about the end is retried where the receiver does not respond, or not with a 2xx.
    Redirects are not followed.

    Args:
        job: A prediction with a webhook.
        serialize: Returns the body of a message.
        secret: Returns the secret to sign with.
        stopped: Returns whether the server has stopped.
        timing: How often messages are sent.
        log: Where every attempt is logged.
    """

    def __init__(
        self,
        job: Job,
        serialize: SerializeJob,
        secret: Callable[[], str],
        stopped: Callable[[], bool],
        timing: WebhookTiming,
        log: WebhookLog,
    ) -> None:
        self._job = job
        self._serialize = serialize
        self._secret = secret
        self._stopped = stopped
        self._timing = timing
        self._log = log
        self._url: str = job.spec.echo["webhook"]
        self._events = job.spec.echo.get("webhook_events_filter", _DEFAULT_EVENTS)
        self._kinds = [kind for kind in ("output", "logs") if kind in self._events]
        self._sent_counts = dict.fromkeys(self._kinds, 0)
        self._sent_at = dict.fromkeys(self._kinds, -math.inf)
        self._start_body = serialize(job, False)

    def start(self) -> None:
        """Begin, before the prediction does."""
        name = f"webhook-{self._job.id}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        if "start" in self._events:
            self._post(self._start_body, new_message_id())
        while not self._stopped() and not self._is_done():
            for kind in self._wait_for_due():
                self._send_progress(kind)
        if "completed" in self._events:
            self._send_end()

    def _is_done(self) -> bool:
        # The last message has all that is unsent. Where the filter leaves it out, the rest is
        # sent first.
        with self._job.changed:
            return self._job.over and ("completed" in self._events or not self._unsent())

    def _unsent(self) -> list[str]:
        return [kind for kind in self._kinds if self._job.counts[kind] > self._sent_counts[kind]]

    def _due_at(self, kind: str) -> float:
        return self._sent_at[kind] + self._timing.interval

    def _wait_for_due(self) -> list[str]:
        """Wait until something is due or all is done, and return what is due."""
        with self._job.changed:
            while True:
                unsent = self._unsent()
                due = [kind for kind in unsent if time.monotonic() >= self._due_at(kind)]
                if due or self._stopped() or self._is_done():
                    return due
                pause: float | None = None
                if unsent:
                    pause = max(0.0, min(map(self._due_at, unsent)) - time.monotonic())
                self._job.changed.wait(pause)

    def _send_progress(self, kind: str) -> None:
        with self._job.changed:
            self._sent_counts[kind] = self._job.counts[kind]
            body = self._serialize(self._job, True)
        self._sent_at[kind] = time.monotonic()
        self._post(body, new_message_id())

    def _send_end(self) -> None:
        body = self._serialize(self._job, False)
        message_id = new_message_id()
        for delay in (*self._timing.retry_delays, 0.0):
            if self._stopped() or self._post(body, message_id):
                return
            with self._job.changed:
                self._job.changed.wait_for(self._stopped, delay)

    def _post(self, body: bytes, message_id: str) -> bool:
        """Send a message, and return whether it was accepted."""
        headers = signed_headers(self._secret(), message_id, body)
        delivery = deliver(self._url, headers, body, self._job.id)
        self._log.add(delivery)
        return delivery.accepted


def signed_headers(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of a message that is sent now.

    Args:
        secret: What to sign with.
        message_id: The id of the message.
        body: Its body.
    """
    timestamp = str(int(time.time()))
    return {
        "content-type": "application/json",
        "user-agent": "Webhooks/local",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }


def deliver(url: str, headers: Mapping[str, str], body: bytes, prediction: str) -> Delivery:
    """Send a message once, and return what came of it.

    Args:
        url: An http or https URL.
        headers: The headers.
        body: The body, the JSON of a prediction.
        prediction: The id of the prediction.
    """
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    sent_at = time.monotonic()
    status: int | None = None
    error: str | None = None
    try:
        connection.request("POST", target, body, dict(headers))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as failure:  # refused, or no web server
        error = str(failure) or type(failure).__name__
    finally:
        connection.close()
    return Delivery(
        number=0,
        time=timestamps.now(),
        prediction=prediction,
        event=str(json.loads(body).get("status")),
        url=url,
        headers=headers,
        body=body,
        status=status,
        error=error,
        seconds=time.monotonic() - sent_at,
    )


def new_message_id() -> str:
    """Return the id of a new message."""
    return "msg_" + "".join(secrets.choice(_LETTERS) for _ in range(27))
