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
    if isinstance(item, str) and item and is_secret(key):
        return REDACTED
    if key == "output":  # a "token" in it is one of a language
        return map_strings(item, lambda text: _redact_text(text, tokens, keep_files))
    return redact(item, tokens, keep_files)


def _redact_text(text: str, tokens: Collection[str], keep_files: bool) -> str:
    if text.startswith("data:") and len(text) > _MAX_DATA_URI:
        if keep_files:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return f"{text.partition(',')[0]},[{len(text)} characters, sha256 {digest}]"
    for token in tokens:
        if len(token) >= _MIN_TOKEN:
            text = text.replace(token, REDACTED)
    if "://" in text or "{origin}" in text:
        text = _CREDENTIALS_OF_URL.sub(rf"\1{REDACTED}@", text)
        text = _QUERY_OF_URL.sub(_redact_query, text)
    return _TOKEN.sub(REDACTED, text)


def _redact_query(url: re.Match[str]) -> str:
    """Return a URL without its query where that is signed, as it is another one each time."""
    names = [name for name, _ in urllib.parse.parse_qsl(url[2], keep_blank_values=True)]
    if any(is_secret(name) for name in names):
        return f"{url[1]}{REDACTED}"
    return url[0]
