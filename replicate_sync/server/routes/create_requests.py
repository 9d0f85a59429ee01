"""Bodies of create requests: parsed and validated before anything is created."""

from __future__ import annotations

import re
import urllib.parse

from .. import webhooks
from ..catalog import Catalog
from ..hosts import loopback
from ..json_types import JSONObject
from ..models import Model
from ..schemas import Schema
from ..validation import Problem, validate
from . import problems
from .json_bodies import parse_json
from .problems import APIError

HIDDEN = "hidden"
"""The version that a prediction shows whose model was named without one."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_VERSION = re.compile(r"[0-9a-f]{64}")
_EVENT: Schema = {"type": "string", "enum": list(webhooks.EVENTS)}
_PREDICTION: Schema = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "input": {"type": "object"},
        "webhook": {"type": "string"},
        "webhook_events_filter": {"type": "array", "items": _EVENT},
        "stream": {"type": "boolean"},  # has no effect any more, and old clients send it
    },
}
_PREDICTION_OF_VERSION: Schema = {
    "type": "object",
    "required": ["version", "input"],
    "properties": {"version": {"type": "string"}, **_PREDICTION["properties"]},
}
_TRAINING: Schema = {
    "type": "object",
    "required": ["destination", "input"],
    "additionalProperties": True,
    "properties": {"destination": {"type": "string"}, **_PREDICTION["properties"]},
}


def parse_prediction(data: bytes) -> JSONObject:
    """Return the body of a request for a prediction of a model that its URL names.

    Raises:
        APIError: The body is invalid.
    """
    return _with_webhook(parse_object(data, _PREDICTION))


def parse_prediction_of_version(data: bytes) -> JSONObject:
    """Return the body of a request for a prediction, which names a `version`.

    Raises:
        APIError: The body is invalid.
    """
    return _with_webhook(parse_object(data, _PREDICTION_OF_VERSION))


def parse_training(data: bytes) -> JSONObject:
    """Return the body of a request for a training.

    Raises:
        APIError: The body is invalid.
    """
    return _with_webhook(parse_object(data, _TRAINING))


def parse_object(data: bytes, schema: Schema) -> JSONObject:
    """Return a JSON object that its schema allows.

    Raises:
        APIError: It is no JSON, or its schema does not allow it.
    """
    try:
        body = parse_json(data)
    except ValueError as error:  # bad UTF-8 is one too
        detail = f"Request body is not valid JSON: {error}"
        raise APIError(400, detail, "Malformed request") from None
    raise_if_invalid(validate(body, schema))
    assert isinstance(body, dict)
    return body


def resolve_version(version: str, catalog: Catalog) -> tuple[Model, str]:
    """Return the model that a `version` names, and the version to show.

    Args:
        version: 64 hexadecimal digits, `owner/name:` and those, or, for an official model,
            `owner/name`.
        catalog: The models of the server.

    Raises:
        APIError: There is no such version.
    """
    name, _, digits = version.rpartition(":")
    if _VERSION.fullmatch(digits):
        model = catalog.get_version(digits)
        if model is not None and name in ("", model.name):
            return model, model.version
    elif not name:
        model = catalog.official(digits)
        if model is not None:
            return model, HIDDEN
    raise problems.unknown_version()


def validate_input(model: Model, input: JSONObject) -> None:
    """Raise APIError for an input that the model's schema does not allow."""
    raise_if_invalid(validate(input, model.input, "input"))


def is_name(text: str) -> bool:
    """Return whether a model, its owner or a deployment may have this name."""
    return _NAME.fullmatch(text) is not None


def raise_if_invalid(invalid: list[Problem]) -> None:
    """Raise APIError where there are any problems."""
    if invalid:
        raise problems.invalid(invalid)


def webhook_options(body: JSONObject) -> JSONObject:
    """Return the keys of a body that concern its webhook."""
    return {key: body[key] for key in ("webhook", "webhook_events_filter") if key in body}


def _with_webhook(body: JSONObject) -> JSONObject:
    if "webhook" in body:
        raise_if_invalid(webhook_problems(body["webhook"]))
    return body


def webhook_problems(url: str) -> list[Problem]:
    """Return why no webhooks can be sent to a URL, none where they can."""
    host: str | None = None
    absolute = False
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        absolute = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        pass
    if not absolute or any(letter <= " " or letter > "~" for letter in url):
        return [Problem("format", "webhook", "Must be an absolute http or https URL")]
    if not loopback(host):
        description = (
            "This local server sends webhooks only to this machine (127.0.0.1, localhost, ::1), "
            f"not to {host}"
        )
        return [Problem("format", "webhook", description)]
    return []
