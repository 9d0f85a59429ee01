"""Webhooks: what happens to a prediction, told by POST to a program on this machine, signed.

Replicate takes only https URLs of anywhere. This server takes http as well, and only URLs of this machine.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import math
import secrets
import string
import threading
import time
import urllib.parse
from collections.abc import Callable

from .jobs import Job

SerializeJob = Callable[[Job, bool], bytes]
"""Returns the JSON of a job; with True, of one that is over as it was before its end."""
EVENTS = ("start", "output", "logs", "completed")
_USUAL = ("output", "completed")  # what is told where a request does not say
_APART = 0.5  # seconds between two tellings of output, or of logs
_PAUSES = (0.2, 0.4, 0.8)  # seconds before each further attempt to tell of the end
_PATIENCE = 5  # seconds for an attempt
_LETTERS = string.ascii_letters + string.digits


def secret() -> str:
    """Give a new secret to sign with."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"


def sign(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """Give the signature of a message, as the header `webhook-signature` has it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


class Courier:
    """Tells one webhook of one prediction, in a thread of its own.

    Output and logs are told at most once in half a second each, and the start and the end, whichever it is,
    always. Only the end is told again where the receiver does not answer, or not with a 2xx; redirects are
    not followed.
    """

    def __init__(self, job: Job, serialize: SerializeJob, secret: Callable[[], str], stopped: Callable[[], bool]) -> None:
        self.job = job
        self._serialize = serialize
        self._secret, self._stopped = secret, stopped
        self._url = urllib.parse.urlsplit(job.echo["webhook"])
        self._wanted = job.echo.get("webhook_events_filter", _USUAL)
        self._kinds = [kind for kind in ("output", "logs") if kind in self._wanted]
        self._seen = dict.fromkeys(self._kinds, 0)
        self._told = dict.fromkeys(self._kinds, -math.inf)
        self._first = serialize(job, False)

    def start(self) -> None:
        """Begin, before the prediction does."""
        threading.Thread(target=self._run, name=f"webhook-{self.job.id}", daemon=True).start()

    def _run(self) -> None:
        if "start" in self._wanted:
            self._post(self._first)
        while not self._stopped() and not (self.job.over and self._done()):
            self._tell(self._next())
        if "completed" in self._wanted:
            self._tell_the_end()

    def _done(self) -> bool:
        # The end says all that is still untold; where nobody asked for it, the rest is told first.
        with self.job.changed:
            return "completed" in self._wanted or not self._untold()

    def _untold(self) -> list[str]:
        return [kind for kind in self._kinds if self.job.counts[kind] > self._seen[kind]]

    def _due(self) -> list[str]:
        return [kind for kind in self._untold() if time.monotonic() >= self._told[kind] + _APART]

    def _next(self) -> list[str]:
        """Wait until something is due or the prediction is over, and give what is due."""
        job = self.job
        with job.changed:
            while not (self._stopped() or self._due() or (job.over and self._done())):
                waits = [self._told[kind] + _APART - time.monotonic() for kind in self._untold()]
                job.changed.wait(max(0.0, min(waits)) if waits else None)
            return self._due()

    def _tell(self, kinds: list[str]) -> None:
        for kind in kinds:
            with self.job.changed:
                self._seen[kind] = self.job.counts[kind]
                body = self._serialize(self.job, True)
            self._told[kind] = time.monotonic()
            self._post(body)

    def _tell_the_end(self) -> None:
        body, id = self._serialize(self.job, False), _message_id()
        for pause in (*_PAUSES, 0.0):
            if self._stopped() or self._post(body, id):
                return
            with self.job.changed:
                self.job.changed.wait_for(self._stopped, pause)

    def _post(self, body: bytes, id: str | None = None) -> bool:
        """Send a message, and tell whether it was taken."""
        id, timestamp = id or _message_id(), str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "Webhooks/local",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._secret(), id, timestamp, body),
        }
        url = self._url
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=_PATIENCE)
        try:
            connection.request("POST", urllib.parse.urlunsplit(("", "", url.path or "/", url.query, "")), body, headers)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):  # nobody is there, or no web server
            return False
        finally:
            connection.close()


def _message_id() -> str:
    return "msg_" + "".join(secrets.choice(_LETTERS) for _ in range(27))
