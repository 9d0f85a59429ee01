"""Files that clients have uploaded: kept in memory for a day."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from . import timestamps

LIMIT = 100 * 2**20
"""The most bytes that an uploaded file may have, unless a server is told otherwise."""
_LIFE = timedelta(hours=24)


def _id() -> str:
    return base64.b64encode(str(uuid.uuid4()).encode()).decode()


@dataclass(frozen=True)
class Upload:
    """One uploaded file: its content, and what is known of it."""

    data: bytes
    name: str
    type: str
    metadata: dict[str, Any]
    id: str = field(default_factory=_id)
    created: datetime = field(default_factory=timestamps.tick)

    @property
    def expires(self) -> datetime:
        """When it is there no more."""
        return self.created + _LIFE

    def shown(self, origin: str) -> dict[str, Any]:
        """Give its JSON; `origin` is the scheme, host and port by which the client knows the server."""
        md5 = hashlib.md5(self.data, usedforsecurity=False).hexdigest()
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.type,
            "size": len(self.data),
            "etag": md5,
            "checksums": {"sha256": hashlib.sha256(self.data).hexdigest(), "md5": md5},
            "metadata": self.metadata,
            "created_at": timestamps.trimmed(self.created),
            "expires_at": timestamps.trimmed(self.expires),
            "urls": {"get": f"{origin}/v1/files/{self.id}"},
        }


class Uploads:
    """The uploaded files of a server, by id."""

    def __init__(self) -> None:
        self._kept: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def keep(self, upload: Upload) -> None:
        """Keep a file."""
        with self._lock:
            self._kept[upload.id] = upload

    def get(self, id: str) -> Upload | None:
        """Give the file of this id, or None; one that has expired is dropped."""
        found = self._kept.get(id)
        if found is not None and found.expires <= timestamps.now():
            self.drop(id)
            return None
        return found

    def drop(self, id: str) -> None:
        """Forget the file of this id, if there is one."""
        with self._lock:
            self._kept.pop(id, None)

    def all(self) -> list[Upload]:
        """Give every file, newest first."""
        with self._lock:
            ids = list(self._kept)
        return sorted(filter(None, map(self.get, ids)), key=lambda one: one.created, reverse=True)


def signature(secret: str, owner: str, id: str, expiry: int | str) -> str:
    """Give what a download's URL is signed with: the base64 of an HMAC-SHA256 of `owner id expiry`."""
    digest = hmac.digest(secret.encode(), f"{owner} {id} {expiry}".encode(), "sha256")
    return base64.b64encode(digest).decode()
