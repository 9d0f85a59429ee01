"""What a person is shown of a JSON value that may have files in it, and of logs."""

from __future__ import annotations

import json
import pathlib
import re
import urllib.parse
from typing import Literal, NamedTuple

from .. import media_types

Kind = Literal["text", "json", "image", "audio", "video", "file"]

_MAX_TEXT = 500_000  # characters of a text that are shown
_MAX_LOGS = 50_000
_MAX_SUMMARY = 160
_PERCENT = re.compile(r"(\d{1,3})%")
_ESCAPE_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_URL = re.compile(r"(https?://|data:)\S*")


class Part(NamedTuple):
    """One part of a value.

    Attributes:
        kind: How it is shown.
        text: The text, or the URL of a file.
        name: The name of a file, "" for anything else.
        own: Whether the file is the server's own, so that the page may show it.
    """

    kind: Kind
    text: str
    name: str = ""
    own: bool = False


def parts_of(value: object, origins: tuple[str, ...], concatenate: bool = False) -> list[Part]:
    """Return the parts that a value is shown as.

    Args:
        value: A JSON value.
        origins: Scheme, host and port of the server, as clients know them.
        concatenate: Whether the strings of a list are pieces of one text.
    """
    if value is None:
        return []
    if isinstance(value, str):
        return [_string_part(value, origins)]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        if concatenate:
            return [Part("text", "".join(value)[:_MAX_TEXT])]
        return [_string_part(item, origins) for item in value]
    text = json.dumps(value, indent=2, ensure_ascii=False)[:_MAX_TEXT]
    parts = [_string_part(item, origins) for item in _strings(value)]
    return [*(part for part in parts if part.own), Part("json", text)]


def clean_logs(text: str) -> str:
    r"""Return the end of logs as a terminal would show them: what `\r` draws over is gone."""
    text = _ESCAPE_SEQUENCE.sub("", text[-_MAX_LOGS:])
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return _CONTROL.sub("", "\n".join(lines)).strip("\n")


def percent_of(logs: str) -> int | None:
    """Return the last percentage that logs have, or None."""
    found = _PERCENT.findall(logs[-2000:])
    if not found:
        return None
    return min(100, int(found[-1]))


def summarize(value: object) -> str:
    """Return a value in one short line."""
    if isinstance(value, dict):
        for name in ("prompt", "text", "message"):
            if isinstance(value.get(name), str):
                value = value[name]
                break
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        value = "".join(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    if value.startswith("data:"):
        return f"{value.partition(',')[0]},…"
    line = " ".join(value[: 4 * _MAX_SUMMARY].split())
    if len(line) > _MAX_SUMMARY:
        return f"{line[:_MAX_SUMMARY]}…"
    return line


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def _string_part(text: str, origins: tuple[str, ...]) -> Part:
    if not _URL.fullmatch(text):
        return Part("text", text[:_MAX_TEXT])
    if text.startswith("data:"):
        media_type = text[len("data:") :].partition(",")[0].partition(";")[0]
        return Part(_kind(media_type), text, f"data.{media_type.rpartition('/')[2]}", True)
    try:
        path = urllib.parse.unquote(urllib.parse.urlsplit(text).path)
    except ValueError:  # its host is none
        return Part("text", text[:_MAX_TEXT])
    name = path.rpartition("/")[2]
    own = text.startswith(tuple(f"{origin}/outputs/" for origin in origins))
    kind = _kind(media_types.type_of_suffix(pathlib.PurePosixPath(name).suffix))
    return Part(kind, text, name or text, own)


def _kind(media_type: str) -> Kind:
    kinds: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video"}
    return kinds.get(media_type.partition("/")[0], "file")
