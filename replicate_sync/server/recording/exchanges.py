r"""The lines of a recording: JSON, one exchange each, in the order in which they ended.

    {"recording": 1, "upstream": "https://api.replicate.com/v1"}
    {"request": {"method", "path", "query", "body"}, "response": {"status", "headers", "body",
     "seconds"}}
    {"request": {...}, "response": {"status", "headers", "events": [[0.31, "event: ..."], ...]}}
    {"webhook": {"prediction": "...", "after": 1.5, "body": {...}}}

A body is the JSON value itself, or {"text": ...}, or {"base64": ...}. The server's own origin is
written as {origin}.
"""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
import pathlib
import threading
from io import FileIO
from typing import NamedTuple

from ..json_types import JSONObject
from ..routes.json_bodies import parse_json
from ..schemas import Schema
from ..validation import validate

ORIGIN = "{origin}"
"""What stands for scheme, host and port of the recording server."""
_VERSION = 1
_EXCHANGE: Schema = {
    "type": "object",
    "required": ["request", "response"],
    "additionalProperties": True,
    "properties": {
        "request": {
            "type": "object",
            "required": ["method", "path"],
            "additionalProperties": True,
            "properties": {"method": {"type": "string"}, "path": {"type": "string"}},
        },
        "response": {
            "type": "object",
            "required": ["status", "headers"],
            "additionalProperties": True,
            "properties": {
                "status": {"type": "integer", "minimum": 100, "maximum": 999},
                "headers": {"type": "object"},
                "seconds": {"type": "number"},
                "events": {"type": "array", "items": {"type": "array"}},
            },
        },
    },
}
_WEBHOOK: Schema = {
    "type": "object",
    "required": ["webhook"],
    "additionalProperties": True,
    "properties": {
        "webhook": {
            "type": "object",
            "required": ["prediction", "after", "body"],
            "additionalProperties": True,
            "properties": {
                "prediction": {"type": "string"},
                "after": {"type": "number"},
                "body": {"type": "object"},
            },
        },
    },
}
_logger = logging.getLogger("replicate_sync.server")


class Recording(NamedTuple):
    """A recording that was read.

    Attributes:
        exchanges: The requests with their responses or events, in their order.
        webhooks: The webhooks, in their order.
    """

    exchanges: list[JSONObject]
    webhooks: list[JSONObject]


class RecordingFile:
    """A file that a recording is appended to.

    Args:
        path: The file, which is created, or goes on where it ends.
        upstream: The base URL of the API that is recorded.

    Raises:
        ValueError: The file is no recording, or cannot be written.
    """

    def __init__(self, path: pathlib.Path, upstream: str) -> None:
        self._lock = threading.Lock()
        try:
            is_new = not path.exists() or path.stat().st_size == 0
            if not is_new:
                read_recording(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: FileIO = path.open("ab", buffering=0)
            if is_new:
                self._begin(upstream)
        except OSError as error:
            raise ValueError(f"Nothing can be recorded to {path}: {error.strerror}") from error

    def _begin(self, upstream: str) -> None:
        try:
            self._append({"recording": _VERSION, "upstream": upstream})
        except OSError:
            self._file.close()
            raise

    def write(self, line: JSONObject) -> None:
        """Append a line, or leave it out where the disk is full.

        That is no error, as the client must get its response: it may have been paid for.
        """
        with self._lock:
            if self._file.closed:
                return
            try:
                self._append(line)
            except OSError as error:
                _logger.warning("The local server could not write its recording: %s", error)

    def _append(self, line: JSONObject) -> None:
        """Append a line as a whole.

        Raises:
            OSError: It could not be written; nothing of it is left in the file.
        """
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        if self._file.write(data) != len(data):
            self._file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def read_recording(path: pathlib.Path) -> Recording:
    """Return what was recorded to a file.

    Raises:
        ValueError: It cannot be read, or is no recording.
    """
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(file)  # str.splitlines would also end one at U+2028 in a text
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"The recording {path} cannot be read: {error}") from error
    recording = Recording([], [])
    for number, text in enumerate(lines, 1):
        line = _parse_line(text, path, number)
        if number == 1 and line.get("recording") != _VERSION:
            raise ValueError(f'{path} is no recording: its first line has no "recording": 1.')
        if "request" in line:
            _check_line(line, _EXCHANGE, path, number)
            recording.exchanges.append(line)
        elif "webhook" in line:
            _check_line(line, _WEBHOOK, path, number)
            recording.webhooks.append(line["webhook"])
    if not lines:
        raise ValueError(f"The recording {path} is empty.")
    return recording


def serialize_body(data: bytes, media_type: str) -> object:
    """Return the form of a body in a recording; None for an empty one."""
    if not data:
        return None
    if "json" in media_type:
        try:
            return parse_json(data)
        except ValueError:
            pass
    if media_type.startswith("text/") or "json" in media_type:
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            pass
    return {"base64": base64.b64encode(data).decode()}


def parse_body(body: object) -> bytes | None:
    """Return the bytes of a recorded body that is text or base64, or None for JSON."""
    if isinstance(body, dict) and list(body) == ["text"]:
        return str(body["text"]).encode()
    if isinstance(body, dict) and list(body) == ["base64"]:
        return base64.b64decode(body["base64"])
    return None


def _parse_line(text: str, path: pathlib.Path, number: int) -> JSONObject:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Line {number} of {path} is no JSON: {error}") from error
    if not isinstance(line, dict):
        raise ValueError(f"Line {number} of {path} is no JSON object.")
    return line


def _check_line(line: JSONObject, schema: Schema, path: pathlib.Path, number: int) -> None:
    for problem in validate(line, schema):
        where = f"{problem.field}: " if problem.field else ""
        raise ValueError(f"Line {number} of {path} is wrong: {where}{problem.description}.")
