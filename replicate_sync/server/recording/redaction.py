"""What never gets into a recording: tokens, secrets, and the contents of large inputs."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from collections.abc import Collection

from .rewriting import map_strings

_TOKEN = re.compile(
    r"\b(r8_[\w-]{8,}|whsec_[A-Za-z0-9+/=]{8,}|hf_[A-Za-z0-9]{20,}|gh[a-z]_[A-Za-z0-9]{20,}"
    r"|sk[_-](?=[\w-]*\d)[\w-]{20,}|AKIA[A-Z0-9]{16})"
)
_SECRET_NAMES = re.compile(
    r"(?i)((token|secret|password|api_?key|authorization|signature|credential|cookie)|^sig)$"
)
_CREDENTIALS_OF_URL = re.compile(r"(https?://)[^\s/?#@\"'<>]+@")
_QUERY_OF_URL = re.compile(r"((?:https?://|\{origin\})[^\s?#\"'<>]*\?)([^\s#\"'<>]+)")
_MIN_TOKEN = 8  # characters; a shorter one may be a word of any text
_MIN_SIGNATURE = 24  # characters; a model may write a URL with api_key=YOUR_API_KEY
_WRITTEN_BY_MODEL = ("output", "logs", "events")
_MAX_DATA_URI = 300  # characters of one that is written as it is
RESPONSE_HEADERS = ("content-type", "retry-after", "preference-applied", "ratelimit-remaining")
"""The headers of a response that are recorded."""
REDACTED = "[redacted]"
"""What stands for what was left out."""


def redact(value: object, tokens: Collection[str] = (), keep_files: bool = True) -> object:
    """Return a JSON value without secrets.

    Args:
        value: The value.
        tokens: Tokens that are left out wherever they stand.
        keep_files: Whether long `data:` URIs stay; else their digest stands for them.
    """
    if isinstance(value, dict):
        return {key: _redact_item(key, item, tokens, keep_files) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, tokens, keep_files) for item in value]
    if isinstance(value, str):
        return _redact_text(value, tokens, keep_files)
    return value


def is_secret(name: str) -> bool:
    """Return whether a key or a parameter of this name holds a secret."""
    return _SECRET_NAMES.search(name) is not None


def _redact_item(key: str, item: object, tokens: Collection[str], keep_files: bool) -> object:
    if key in _WRITTEN_BY_MODEL:
        # It stays as it is but for what is a secret for sure: a "token" in it is one of a language.
        return map_strings(item, lambda text: _redact_written(text, tokens))
    if isinstance(item, str) and item and is_secret(key):
        return REDACTED
    return redact(item, tokens, keep_files)


def _redact_text(text: str, tokens: Collection[str], keep_files: bool) -> str:
    if text.startswith("data:") and len(text) > _MAX_DATA_URI:
        if keep_files:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return f"{text.partition(',')[0]},[{len(text)} characters, sha256 {digest}]"
    text = _CREDENTIALS_OF_URL.sub(rf"\1{REDACTED}@", text)
    return _redact_tokens(_redact_signatures(text, 1), tokens)


def _redact_written(text: str, tokens: Collection[str]) -> str:
    if text.startswith("data:"):
        return text
    return _redact_tokens(_redact_signatures(text, _MIN_SIGNATURE), tokens)


def _redact_tokens(text: str, tokens: Collection[str]) -> str:
    for token in tokens:
        if len(token) >= _MIN_TOKEN:
            text = text.replace(token, REDACTED)
    return _TOKEN.sub(REDACTED, text)


def _redact_signatures(text: str, shortest: int) -> str:
    """Return a text whose signed URLs have no query, as it is another one each time."""

    def without_query(url: re.Match[str]) -> str:
        for name, value in urllib.parse.parse_qsl(url[2]):
            if is_secret(name) and len(value) >= shortest:
                return f"{url[1]}{REDACTED}"
        return url[0]

    return _QUERY_OF_URL.sub(without_query, text)
