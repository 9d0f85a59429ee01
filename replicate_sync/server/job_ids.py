"""The ids of predictions, and the secret keys of their streams."""

from __future__ import annotations

import os
import secrets
import threading
from typing import NamedTuple

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# A letter for each byte; there are 32 of them, so that each is as likely.
_LETTERS = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
_ID_LENGTH = 26
_STREAM_KEY_LENGTH = 52
_LENGTH = _ID_LENGTH + _STREAM_KEY_LENGTH
_AT_A_TIME = 64  # ids that are made, as every look at the system's randomness lets others run first


class JobIds(NamedTuple):
    """What a job is known by.

    Attributes:
        id: Its id.
        stream_key: What the URL of its stream has in place of the id, which is no secret.
    """

    id: str
    stream_key: str


_unused: list[JobIds] = []
_lock = threading.Lock()


def new_job_ids() -> JobIds:
    """Return the ids of a new job."""
    with _lock:
        if not _unused:
            text = secrets.token_bytes(_LENGTH * _AT_A_TIME).translate(_LETTERS).decode()
            for start in range(0, len(text), _LENGTH):
                middle = start + _ID_LENGTH
                _unused.append(JobIds(text[start:middle], text[middle : start + _LENGTH]))
        return _unused.pop()


# Else the copy of a process would use the ids of the process that it is a copy of.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unused.clear)
