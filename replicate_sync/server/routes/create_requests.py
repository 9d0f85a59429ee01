"""From the body of a create request to a prediction: everything that can be wrong with it is found first."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

from .. import webhooks
from ..catalog import Catalog
from ..hosts import loopback
from ..models import Model
from ..schemas import Schema
from ..validation import Problem, validate
from . import problems, request_headers
from .problems import Refusal

_EVENTS = {"type": "string", "enum": list(webhooks.EVENTS)}
_BODY: Schema = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "input": {"type": "object"},
        "webhook": {"type": "string"},
        "webhook_events_filter": {"type": "array", "items": _EVENTS},
        "stream": {"type": "boolean"},  # does nothing any more, and old clients send it
    },
}
_BODY_WITH_VERSION: Schema = {
    "type": "object",
    "required": ["version", "input"],
    "properties": {"version": {"type": "string"}, **_BODY["properties"]},
}
_TRAINING: Schema = {
    "type": "object",
    "required": ["destination", "input"],
    "additionalProperties": True,
    "properties": {"destination": {"type": "string"}, **_BODY["properties"]},
}
NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""What a model, its owner or a deployment may be called."""
HIDDEN = "hidden"
"""The version of a prediction whose model was named without one."""


def read(data: bytes, versioned: bool) -> dict[str, Any]:
    """Read the body of a create request, with a `version` in it or not; refuses anything but a right one."""
    return _hooked(checked(data, _BODY_WITH_VERSION if versioned else _BODY))


def training(data: bytes) -> dict[str, Any]:
    """Read the body of a request for a training; refuses anything but a right one."""
    return _hooked(checked(data, _TRAINING))


def checked(data: bytes, schema: Schema) -> dict[str, Any]:
    """Read a JSON object; refuses what its schema does not allow."""
    body = parse(data)
    found = validate(body, schema)
    if found:
        raise problems.invalid(found)
    made: dict[str, Any] = body
    return made


def _hooked(body: dict[str, Any]) -> dict[str, Any]:
    found = _webhook_problems(body["webhook"]) if "webhook" in body else []
    if found:
        raise problems.invalid(found)
    return body


def _webhook_problems(url: str) -> list[Problem]:
    """Give what is wrong with the URL of a webhook."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        absolute = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        host, absolute = None, False
    if not absolute or any(letter <= " " or letter > "~" for letter in url):
        return [Problem("format", "webhook", "Must be an absolute http or https URL")]
    if not loopback(host):
        words = f"This local server tells only programs on this machine (127.0.0.1, localhost, ::1), not {host}"
        return [Problem("format", "webhook", words)]
    return []


def parse(data: bytes) -> Any:
    """Read JSON; refuses what is none."""
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # bad UTF-8 is a ValueError too
        raise Refusal(400, f"Request body is not valid JSON: {error}", "Malformed request") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def model_of(version: str, catalog: Catalog) -> tuple[Model, str]:
    """Give the model that `version` names, and the version to show; refuses what does not exist.

    It is 64 hexadecimal digits, `owner/name:` and those, or, for an official model, `owner/name`.
    """
    name, _, digits = version.rpartition(":")
    if re.fullmatch(r"[0-9a-f]{64}", digits):
        model = catalog.of_version(digits)
        if model is not None and name in ("", model.name):
            return model, model.version
    elif not name and (model := catalog.function(digits)) is not None:
        return model, HIDDEN
    raise problems.unknown_version()


def check_input(model: Model, given: dict[str, Any]) -> None:
    """Refuse an input that the model's schema does not allow."""
    found = validate(given, model.input, "input")
    if found:
        raise problems.invalid(found)


def options(body: dict[str, Any], cancel_after: str | None, **more: str) -> dict[str, Any]:
    """Give what else a request asks of its prediction: a deadline, the webhook, and `more` keys to show."""
    echo = more | {key: body[key] for key in ("webhook", "webhook_events_filter") if key in body}
    return {"lifetime": request_headers.cancel_after(cancel_after), "echo": echo}
