"""Responds with what was recorded, and sends nothing anywhere."""

from __future__ import annotations

import json
import pathlib
import threading
import time
from collections.abc import Iterator

from werkzeug.wrappers import Response

from ..json_types import JSONObject
from ..routes import create_requests
from ..routes.context import ServerContext, request_origin
from ..routes.current_request import request
from ..routes.json_responses import serialize_json
from ..routes.problems import APIError
from ..webhooks import deliver, new_message_id, signed_headers
from .exchanges import ORIGIN, parse_body, read_recording
from .request_keys import hidden_inputs, hide_inputs, key_of, recorded_request
from .rewriting import PREFIX, map_strings

_OWN_PATH = "/v1/webhooks/default/secret"  # is never recorded; webhooks are signed with our own
_STOP_CHECK_INTERVAL = 0.05  # seconds
_MAX_SHOWN = 300  # characters of a request in an error


class Replay:
    """Responds to the requests of the API as the API did when it was recorded.

    Equal requests are responded to in the order of the recording; after the last one it is given
    again, as clients poll more or less often each time.

    Args:
        context: The server.
        path: The recording.
        speed: What the recorded times are multiplied by: 1 waits as long, 0 not at all.

    Raises:
        ValueError: It is no recording, or the speed is negative.
    """

    def __init__(self, context: ServerContext, path: pathlib.Path, speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError(f"The speed is 0 or more, not {speed}.")
        self._context = context
        self._path = path
        self._speed = speed
        recording = read_recording(path)
        self._webhooks = recording.webhooks
        self._lock = threading.Lock()
        self._next: dict[str, int] = {}
        self._by_key: dict[str, list[JSONObject]] = {}
        self._hidden: set[str] = set()  # the inputs that no recorded request shows
        for exchange in recording.exchanges:
            self._hidden |= hidden_inputs(exchange["request"].get("body"))
            self._by_key.setdefault(key_of(exchange["request"]), []).append(exchange["response"])

    def close(self) -> None:
        """Do nothing: the recording was read as a whole."""

    def respond(self) -> Response | None:
        """Return the response to the current request, or None for one that is not the API's.

        Raises:
            APIError: It was never recorded.
        """
        is_api = request.path.startswith(("/v1/", "/api/", PREFIX))
        if not is_api or request.path == _OWN_PATH:
            return None
        received = recorded_request(
            request.method,
            request.path,
            request.args.to_dict(),
            dict(request.headers),
            request.get_data(),
            request_origin(),
        )
        recorded = self._take(received)
        if "events" in recorded:
            return self._stream(recorded, received.get("last_event_id"))
        self._sleep(recorded.get("seconds", 0.0))
        return self._whole(recorded)

    def _take(self, received: JSONObject) -> JSONObject:
        """Return what is recorded for a request, and count it."""
        key = key_of(received)
        if key not in self._by_key and "last_event_id" in received:
            # Another place of the same stream: its rest is found by the id.
            rest = {name: value for name, value in received.items() if name != "last_event_id"}
            key = key_of(rest)
        elif key not in self._by_key:
            key = key_of(hide_inputs(received, self._hidden))
        with self._lock:
            found = self._by_key.get(key)
            if found is None:
                raise self._unknown(received)
            index = self._next.get(key, 0)
            self._next[key] = index + 1
        return found[min(index, len(found) - 1)]

    def _unknown(self, received: JSONObject) -> APIError:
        body = json.dumps(received.get("body"), ensure_ascii=False)[:_MAX_SHOWN]
        known = [json.loads(key) for key in self._by_key]
        similar = "nothing at all for this path"
        if any(one["path"] == received["path"] for one in known):
            similar = "other requests for this path"
        detail = (
            f"{received['method']} {received['path']} with the body {body} was never recorded: "
            f"{self._path.name} has {similar}. Record it, or send what was recorded. Nothing has "
            "left this machine."
        )
        return APIError(400, detail, "Not recorded")

    def _whole(self, recorded: JSONObject) -> Response:
        body = recorded.get("body")
        own = request_origin()
        data = parse_body(body)
        if data is None and body is None:
            data = b""
        elif data is None:
            local = map_strings(body, lambda text: text.replace(ORIGIN, own))
            self._send_webhooks(local)
            data = serialize_json(local)
        return Response(data, recorded["status"], recorded["headers"])

    def _stream(self, recorded: JSONObject, last_event_id: str | None) -> Response:
        own = request_origin()
        events = recorded["events"]
        ids = [_event_id(text) for _, text in events]
        if last_event_id in ids:
            events = events[ids.index(last_event_id) + 1 :]

        def play() -> Iterator[bytes]:
            began_at = time.monotonic()
            for seconds, text in events:
                self._sleep(seconds - (time.monotonic() - began_at) / (self._speed or 1.0))
                if self._context.stopped():
                    return
                yield text.replace(ORIGIN, own).encode()

        return Response(play(), recorded["status"], recorded["headers"])

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds * self._speed
        while not self._context.stopped():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(_STOP_CHECK_INTERVAL, remaining))

    def _send_webhooks(self, prediction: object) -> None:
        """Send the webhooks of a prediction that was just created, in a thread."""
        body = request.get_json(silent=True)
        webhook = body.get("webhook") if isinstance(body, dict) else None
        if webhook is None or not isinstance(prediction, dict):
            return
        create_requests.raise_if_invalid(create_requests.webhook_problems(str(webhook)))
        messages = [one for one in self._webhooks if one["prediction"] == prediction.get("id")]
        own = request_origin()

        def send() -> None:
            began_at = time.monotonic()
            for message in messages:
                played = (time.monotonic() - began_at) / (self._speed or 1.0)
                self._sleep(message["after"] - played)
                local = map_strings(message["body"], lambda text: text.replace(ORIGIN, own))
                assert isinstance(local, dict)
                data = serialize_json({**local, "webhook": webhook})
                headers = signed_headers(self._context.webhook_secret, new_message_id(), data)
                self._context.webhook_log.add(deliver(webhook, headers, data, local["id"]))

        threading.Thread(target=send, name=f"replay-{prediction.get('id')}", daemon=True).start()


def _event_id(block: str) -> str | None:
    for line in block.split("\n"):
        if line.startswith("id:"):
            return line.removeprefix("id:").strip()
    return None
