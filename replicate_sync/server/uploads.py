"""Files that clients have uploaded: kept for a day at most."""

from __future__ import annotations

import base64
import hmac
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import timestamps
from .blobs import Blob, Blobs
from .json_types import JSONObject
from .records import Records

LIMIT = 100 * 2**20
"""How many bytes an uploaded file may have, unless a server has another limit."""
_KIND = "upload"  # of record
_LIFETIME = timedelta(hours=24)


def _new_id() -> str:
    return base64.b64encode(str(uuid.uuid4()).encode()).decode()


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Attributes:
        blob: Its content.
        name: Its file name, "" for a field without one.
        type: Its media type.
        metadata: What the client stored beside it.
        id: 48 letters and digits.
        created_at: When it was uploaded.
    """

    blob: Blob
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
        blobs: Where their contents are.
        records: Where they are remembered.

    Attributes:
        dropped: How many were dropped.
    """

    def __init__(self, max_bytes: int, blobs: Blobs, records: Records) -> None:
        self.dropped: int = 0
        self._max_bytes = max_bytes
        self._blobs = blobs
        self._records = records
        self._bytes = 0
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.RLock()
        self._restore()

    def create(self, data: bytes, name: str, type: str, metadata: JSONObject) -> Upload:
        """Keep a file, and drop others where they are too large now; return what is kept.

        Args:
            data: Its content.
            name: Its file name.
            type: Its media type.
            metadata: What the client stores beside it.
        """
        id = _new_id()
        upload = Upload(self._blobs.keep(id, "content", data), name, type, metadata, id)
        record = {
            "name": name,
            "type": type,
            "metadata": metadata,
            "created_at": timestamps.serialize(upload.created_at),
        }
        self._records.put(_KIND, id, record)
        with self._lock:
            self._uploads[id] = upload
            self._bytes += upload.blob.size
            while len(self._uploads) > 1 and self._bytes > self._max_bytes:
                oldest = next(iter(self._uploads.values()))
                self.delete(oldest.id)
                if oldest.expires_at > timestamps.now():
                    self.dropped += 1
        return upload

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
                self._bytes -= upload.blob.size
                self._blobs.delete(id)
                self._records.delete(_KIND, id)

    def all(self) -> list[Upload]:
        """Return every file, newest first."""
        with self._lock:
            ids = list(self._uploads)
        uploads = [upload for upload in map(self.get, ids) if upload is not None]
        return sorted(uploads, key=lambda upload: upload.created_at, reverse=True)

    def _restore(self) -> None:
        for id, record in self._records.all(_KIND).items():
            blob = self._blobs.find(id).get("content")
            created_at = timestamps.parse(record.pop("created_at"))
            if blob is None:
                self._records.delete(_KIND, id)
                continue
            self._uploads[id] = Upload(blob, **record, id=id, created_at=created_at)
            self._bytes += blob.size
            self.get(id)  # which deletes what has expired


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
