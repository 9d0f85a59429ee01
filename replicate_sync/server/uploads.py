"""Files that clients have uploaded: kept in memory, at most for a day."""

from __future__ import annotations

import base64
import hmac
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import timestamps
from .json_types import JSONObject

LIMIT = 100 * 2**20
"""How many bytes an uploaded file may have, unless a server has another limit."""
_LIFETIME = timedelta(hours=24)


def _new_id() -> str:
    return base64.b64encode(str(uuid.uuid4()).encode()).decode()


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Attributes:
        data: Its content.
        name: Its file name, "" for a field without one.
        type: Its media type.
        metadata: What the client stored beside it.
        id: 48 letters and digits.
        created_at: When it was uploaded.
    """

    data: bytes
    name: str
    type: str
    metadata: JSONObject
    id: str = field(default_factory=_new_id)
    created_at: datetime = field(default_factory=timestamps.unique_now)

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.created_at + _LIFETIME


class Uploads:
    """The uploaded files of a server, by id, oldest first.

    Where they become too large together, the oldest are dropped; the last one stays.

    Args:
        max_bytes: How many bytes they may have together.

    Attributes:
        dropped: How many were dropped.
    """

    def __init__(self, max_bytes: int) -> None:
        self.dropped: int = 0
        self._max_bytes = max_bytes
        self._bytes = 0
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.RLock()

    def add(self, upload: Upload) -> None:
        """Keep a file, and drop others where they are too large now."""
        with self._lock:
            self._uploads[upload.id] = upload
            self._bytes += len(upload.data)
            while len(self._uploads) > 1 and self._bytes > self._max_bytes:
                oldest = next(iter(self._uploads.values()))
                self.delete(oldest.id)
                if oldest.expires_at > timestamps.now():
                    self.dropped += 1

    def get(self, id: str) -> Upload | None:
        """Return the file with this id, or None; one that has expired is deleted."""
        upload = self._uploads.get(id)
        if upload is not None and upload.expires_at <= timestamps.now():
            self.delete(id)
            return None
        return upload

    def delete(self, id: str) -> None:
        """Delete a file; one that does not exist is no error."""
        with self._lock:
            upload = self._uploads.pop(id, None)
            if upload is not None:
                self._bytes -= len(upload.data)

    def all(self) -> list[Upload]:
        """Return every file, newest first."""
        with self._lock:
            ids = list(self._uploads)
        uploads = [upload for upload in map(self.get, ids) if upload is not None]
        return sorted(uploads, key=lambda upload: upload.created_at, reverse=True)


def sign_download(secret: str, owner: str, id: str, expiry: int | str) -> str:
    """Return the signature of a download URL: the base64 of an HMAC-SHA256 of `owner id expiry`.

    Args:
        secret: The key.
        owner: The account that signs.
        id: The id of the file.
        expiry: When the URL expires, in seconds since 1970.
    """
    digest = hmac.digest(secret.encode(), f"{owner} {id} {expiry}".encode(), "sha256")
    return base64.b64encode(digest).decode()
