"""What never gets into a recording: tokens, secrets, and the contents of large inputs."""

from __future__ import annotations

import hashlib
import re

_TOKEN = re.compile(r"\b(r8|whsec|hf|sk)_[A-Za-z0-9+/=_-]{8,}")
_SECRET_NAMES = re.compile(r"(?i)(token|secret|password|api_?key|authorization|signature|cookie)$")
_MAX_DATA_URI = 300  # characters of one that is written as it is
RESPONSE_HEADERS = ("content-type", "retry-after", "preference-applied", "ratelimit-remaining")
"""The headers of a response that are recorded."""
REDACTED = "[redacted]"
"""What stands for what was left out."""


def redact(value: object, token: str = "", keep_files: bool = True) -> object:
    """Return a JSON value without secrets.

    Args:
        value: The value.
        token: The token of the client, wherever it stands.
        keep_files: Whether long `data:` URIs stay; else their digest stands for them.
    """
    if isinstance(value, dict):
        return {key: _redact_item(key, item, token, keep_files) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, token, keep_files) for item in value]
    if isinstance(value, str):
        return _redact_text(value, token, keep_files)
    return value


def is_secret(name: str) -> bool:
    """Return whether a key or a parameter of this name holds a secret."""
    return _SECRET_NAMES.search(name) is not None


def _redact_item(key: str, item: object, token: str, keep_files: bool) -> object:
    if isinstance(item, str) and item and is_secret(key):
        return REDACTED
    return redact(item, token, keep_files)


def _redact_text(text: str, token: str, keep_files: bool) -> str:
    if text.startswith("data:") and len(text) > _MAX_DATA_URI:
        if keep_files:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return f"{text.partition(',')[0]},[{len(text)} characters, sha256 {digest}]"
    if token:
        text = text.replace(token, REDACTED)
    return _TOKEN.sub(REDACTED, text)
