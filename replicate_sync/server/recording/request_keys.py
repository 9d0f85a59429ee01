"""A request as it is recorded, which is also what it is found again by."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Mapping

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from ..json_types import JSONObject
from ..models import REDACTED
from ..routes.json_bodies import parse_json
from .exchanges import ORIGIN, serialize_body
from .redaction import is_secret, redact
from .rewriting import map_strings

WEBHOOK = "{webhook}"
"""What stands for the URL of a webhook, which is another one in every run."""


def recorded_request(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    origin: str,
) -> JSONObject:
    """Return a request as it is recorded: without tokens, signatures and the contents of files.

    Args:
        method: The HTTP method.
        path: The path.
        query: The parameters of the query.
        headers: The headers.
        body: The body.
        origin: Scheme, host and port of the server as the client knows them.
    """
    tokens = (token_of(headers.get("Authorization", "")),)
    recorded: JSONObject = {"method": method, "path": path}
    shown = {name: query[name] for name in sorted(query) if not is_secret(name)}
    if shown:
        recorded["query"] = redact(shown, tokens)
    if headers.get("Last-Event-ID"):
        recorded["last_event_id"] = headers["Last-Event-ID"]
    content = _content(body, headers.get("Content-Type", ""))
    content = map_strings(content, lambda text: text.replace(origin, ORIGIN))
    content = redact(content, tokens, keep_files=False)
    if isinstance(content, dict) and isinstance(content.get("webhook"), str):
        content["webhook"] = WEBHOOK
    if content is not None:
        recorded["body"] = content
    return recorded


def hide_inputs(recorded: JSONObject, names: Collection[str]) -> JSONObject:
    """Return a recorded request without the values of these inputs of a prediction."""
    body = recorded.get("body")
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        return recorded
    hidden = {name: REDACTED if name in names else value for name, value in body["input"].items()}
    return {**recorded, "body": {**body, "input": hidden}}


def hidden_inputs(body: object) -> set[str]:
    """Return the names of the inputs whose values a prediction, or its request, does not show."""
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        return set()
    return {name for name, value in body["input"].items() if value == REDACTED}


def token_of(authorization: str) -> str:
    """Return the token in the header `Authorization`, "" where there is none."""
    return authorization.partition(" ")[2].strip()


def key_of(recorded: JSONObject) -> str:
    """Return the text that is the same for equal requests."""
    return json.dumps(redact(recorded, keep_files=False), sort_keys=True)


def _content(body: bytes, content_type: str) -> object:
    media_type, options = parse_options_header(content_type)
    if media_type == "multipart/form-data":
        return _multipart_content(body, media_type, options)
    try:
        return parse_json(body) if body else None
    except ValueError:
        return serialize_body(body, media_type or "text/plain")


def _multipart_content(body: bytes, media_type: str, options: Mapping[str, str]) -> object:
    parser = FormDataParser(silent=True)
    _, form, files = parser.parse(io.BytesIO(body), media_type, len(body), dict(options))
    shown: JSONObject = {}
    for name, file in files.items():
        with file.stream:
            digest = hashlib.sha256(file.read()).hexdigest()
        shown[name] = {"name": file.filename, "type": file.content_type, "sha256": digest}
    return {"fields": form.to_dict(), "files": shown}
