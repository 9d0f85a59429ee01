"""The ids of predictions, and the secret keys of their streams."""

from __future__ import annotations

import secrets
from typing import NamedTuple

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# A letter for each byte; there are 32 of them, so that each is as likely.
_LETTERS = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
_ID_LENGTH = 26
_STREAM_KEY_LENGTH = 52


class JobIds(NamedTuple):
    """What a job is known by.

    Attributes:
        id: Its id.
        stream_key: What the URL of its stream has in place of the id, which is no secret.
    """

    id: str
    stream_key: str


def new_job_ids() -> JobIds:
    """Return the ids of a new job."""
    text = secrets.token_bytes(_ID_LENGTH + _STREAM_KEY_LENGTH).translate(_LETTERS).decode()
    return JobIds(text[:_ID_LENGTH], text[_ID_LENGTH:])
