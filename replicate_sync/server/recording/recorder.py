"""Passes requests on to the API, and writes down what comes back."""

from __future__ import annotations

import json
import pathlib
import secrets
import threading
import time
import urllib.parse
from collections.abc import Iterator

from urllib3.response import BaseHTTPResponse
from werkzeug.wrappers import Response

from ..hosts import loopback
from ..json_types import JSONObject
from ..routes.context import ServerContext, request_origin
from ..routes.current_request import request
from ..routes.json_bodies import parse_json
from ..routes.json_responses import serialize_json
from ..routes.problems import APIError, not_found
from ..webhooks import deliver
from .exchanges import ORIGIN, RecordingFile, serialize_body
from .redaction import RESPONSE_HEADERS, redact
from .request_keys import hidden_inputs, hide_inputs, recorded_request, token_of
from .rewriting import PREFIX, ProxiedUrls, map_strings
from .upstream import Upstream, UpstreamFailed, read_pieces

RELAY = "/relay/"
"""The beginning of the paths to which the API sends webhooks."""
_SECRET_PATH = "/v1/webhooks/default/secret"  # is passed on, and never written down
_PASSED_ON = ("Content-Type", "Accept", "Prefer", "Cancel-After", "Last-Event-ID", "User-Agent")
_NOT_PASSED_BACK = (
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
)


class Recorder:
    """Responds to the requests of the API with what the API itself responds.

    Args:
        context: The server.
        path: The file to write to.
        upstream: The base URL of the API.
        token: The token to send to the API for a client that has the server's own; "" sends what
            the client sent.
        public_url: Where the API reaches this server, for webhooks; by default only an API on
            this machine does.

    Raises:
        ValueError: The file or the URL cannot be used.
    """

    def __init__(
        self,
        context: ServerContext,
        path: pathlib.Path,
        upstream: str,
        token: str = "",
        public_url: str | None = None,
    ) -> None:
        self._context = context
        self._upstream = Upstream(upstream)
        self._file = RecordingFile(path, self._upstream.url)
        self._token = token
        self._tokens: tuple[str, ...] = (token,)  # all that were seen
        self._public_url = public_url
        self._urls = ProxiedUrls(self._upstream.origin)
        self._hooks: dict[str, str] = {}
        self._created_at: dict[str, float] = {}
        self._open_streams: list[JSONObject] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file, after what there is of the streams that are still open."""
        with self._lock:
            lines = list(self._open_streams)
        for line in lines:
            self._end_stream(line)
        self._file.close()

    def respond(self) -> Response | None:
        """Return the response to the current request, or None for one that is not the API's."""
        if request.path.startswith(RELAY):
            return self._relay(request.path.removeprefix(RELAY))
        if not request.path.startswith(("/v1/", "/api/", PREFIX)):
            return None
        body = request.get_data()
        token = token_of(request.headers.get("Authorization", ""))
        if token not in self._tokens:
            self._tokens += (token,)
        received = recorded_request(
            request.method,
            request.path,
            request.args.to_dict(),
            dict(request.headers),
            body,
            request_origin(),
        )
        sent_at = time.monotonic()
        try:
            response = self._upstream.send(
                request.method, self._target(), self._headers(), self._body(body)
            )
            if response.headers.get("Content-Type", "").startswith("text/event-stream"):
                return self._stream(received, response, sent_at)
            data = b"".join(read_pieces(response))
        except UpstreamFailed as error:
            detail = f"{self._upstream.url} does not respond: {error}"
            raise APIError(502, detail, "Not recorded") from None
        return self._whole(received, response, data, time.monotonic() - sent_at)

    def _target(self) -> str:
        path = urllib.parse.quote(request.path)
        query = request.query_string.decode("latin-1")
        if path.startswith(PREFIX):
            url = self._urls.url(request.path)
            if url is None:
                raise not_found()
            return url
        url = f"{self._upstream.origin}{path}"
        if path.startswith("/v1/"):
            url = f"{self._upstream.url}{path.removeprefix('/v1')}"
        return f"{url}?{query}" if query else url

    def _headers(self) -> dict[str, str]:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        authorization = request.headers.get("Authorization", "")
        if self._token and token_of(authorization) == self._context.token:
            authorization = f"Bearer {self._token}"
        # It goes to the API itself, and not to the hosts of files and streams.
        if authorization and self._target().startswith(f"{self._upstream.origin}/"):
            headers["Authorization"] = authorization
        return headers

    def _body(self, data: bytes) -> bytes:
        """Return a body whose URLs of this server lead to the API, and so does its webhook."""
        try:
            body = parse_json(data) if data else None
        except ValueError:
            return data
        if not isinstance(body, dict):
            return data
        own = request_origin()
        changed = map_strings(body, lambda text: self._to_upstream(text, own))
        assert isinstance(changed, dict)
        relay = self._relay_url(changed.get("webhook"))
        if relay is not None:
            changed["webhook"] = relay
        return data if changed == body else json.dumps(changed).encode()

    def _to_upstream(self, text: str, own: str) -> str:
        if not text.startswith(f"{own}/"):
            return text
        path = text.removeprefix(own)
        if path.startswith("/v1/"):
            return f"{self._upstream.url}{path.removeprefix('/v1')}"
        return self._urls.url(urllib.parse.unquote(path)) or text

    def _relay_url(self, webhook: object) -> str | None:
        if not isinstance(webhook, str) or not webhook.startswith(("http://", "https://")):
            return None
        base = self._public_url
        if base is None and loopback(urllib.parse.urlsplit(self._upstream.origin).hostname):
            base = request_origin()
        if base is None:
            return None
        key = secrets.token_urlsafe(18)
        self._hooks[key] = webhook
        return f"{base.rstrip('/')}{RELAY}{key}"

    def _to_client(self, text: str) -> str:
        """Return a string of the API's response as the client is to see it, with {origin}."""
        key = text.rpartition(RELAY)[2]
        if key in self._hooks and RELAY in text:
            return self._hooks[key]
        return self._urls.to_local(text)

    def _whole(
        self, received: JSONObject, response: BaseHTTPResponse, data: bytes, seconds: float
    ) -> Response:
        media_type = response.headers.get("Content-Type", "")
        body = serialize_body(data, media_type)
        if "json" in media_type:
            body = map_strings(body, self._to_client)
            text = json.dumps(body).replace(ORIGIN, request_origin())
            data = serialize_json(json.loads(text)) if data else data
        if isinstance(body, dict) and "urls" in body and request.method == "POST":
            self._created_at[str(body.get("id"))] = time.monotonic()
        if request.path != _SECRET_PATH:
            head = {**self._head(response), "body": body, "seconds": round(seconds, 3)}
            self._write({"request": hide_inputs(received, hidden_inputs(body)), "response": head})
        return Response(data, response.status, self._headers_back(response))

    def _headers_back(self, response: BaseHTTPResponse) -> list[tuple[str, str]]:
        own = request_origin()
        return [
            (name, self._urls.to_local(value).replace(ORIGIN, own))
            for name, value in response.headers.items()
            if name.lower() not in _NOT_PASSED_BACK
        ]

    def _stream(self, received: JSONObject, response: BaseHTTPResponse, sent_at: float) -> Response:
        own = request_origin()
        head = self._head(response)
        written: list[list[object]] = []
        line: JSONObject = {"request": received, "response": {**head, "events": written}}
        with self._lock:
            self._open_streams.append(line)

        def events() -> Iterator[bytes]:
            try:
                for block in _blocks(read_pieces(response)):
                    text = self._local_block(block)
                    written.append([round(time.monotonic() - sent_at, 3), text])
                    if text.startswith("event: done"):
                        self._end_stream(line)
                    yield text.replace(ORIGIN, own).encode()
            except UpstreamFailed:
                pass  # the client finds the end of the stream, as it would without this server
            finally:
                response.close()
                self._end_stream(line)

        return Response(events(), response.status, self._headers_back(response))

    def _end_stream(self, line: JSONObject) -> None:
        with self._lock:
            is_open = any(line is one for one in self._open_streams)
            if is_open:
                self._open_streams.remove(line)
        if is_open:
            self._write(line)

    def _local_block(self, block: bytes) -> str:
        lines = block.decode("utf-8", "replace").split("\n")
        for index, line in enumerate(lines):
            if line.startswith("data: http"):
                lines[index] = f"data: {self._to_client(line.removeprefix('data: '))}"
        return "\n".join(lines)

    def _write(self, line: JSONObject) -> None:
        self._file.write({key: redact(item, self._tokens) for key, item in line.items()})

    def _head(self, response: BaseHTTPResponse) -> JSONObject:
        headers = {
            name: response.headers[name] for name in RESPONSE_HEADERS if name in response.headers
        }
        return {"status": response.status, "headers": headers}

    def _relay(self, key: str) -> Response:
        """Pass a webhook on to the program that waits for it."""
        webhook = self._hooks.get(key)
        data = request.get_data()
        try:
            body = parse_json(data)
        except ValueError:
            body = None
        if webhook is None or not isinstance(body, dict):
            raise not_found()
        local = map_strings(body, self._to_client)
        id = str(body.get("id"))
        after = time.monotonic() - self._created_at.get(id, time.monotonic())
        line: JSONObject = {"prediction": id, "after": round(after, 3), "body": local}
        self._write({"webhook": line})
        headers = {
            name: value
            for name, value in request.headers
            if name.lower().startswith("webhook-") or name.lower() == "content-type"
        }
        # The body as it was signed, although its URLs lead to the API itself.
        delivery = deliver(webhook, headers, data, id)
        self._context.webhook_log.add(delivery)
        return Response(status=delivery.status or 502)


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of an event stream as they end, each with the empty line after it."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        while True:
            ends = [buffer.find(end) + len(end) for end in (b"\n\n", b"\r\n\r\n") if end in buffer]
            if not ends:
                break
            yield buffer[: min(ends)]
            buffer = buffer[min(ends) :]
    if buffer:
        yield buffer
