"""Uploaded files, as the official client has them. A file is never held in memory as a whole."""

from __future__ import annotations

from typing import Any, Literal

from .exceptions import as_official_errors
from .helpers import upload_of
from .resource import Namespace, Resource, path_id

FileEncodingStrategy = Literal["base64", "url"]


class File(Resource):
    """An uploaded file; `urls["get"]` stands for it in an input."""

    id: str
    name: str
    content_type: str
    size: int
    etag: str
    checksums: dict[str, str]
    metadata: dict[str, Any]
    created_at: str
    expires_at: str | None
    urls: dict[str, str]


class Files(Namespace):
    """Uploaded files: `create`, `get`, `list`, `delete`."""

    def create(
        self,
        file: Any,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> File:
        """Upload a file, and return what the API says of it.

        Args:
            file: A path, also as a string, or an open binary file.
            filename: What it is called; by default its own name.
            content_type: Its MIME type; by default the one of its name or its content.
            metadata: JSON to keep with it.

        Raises:
            ValueError: It is no file.
            ReplicateError: The API refused.
        """
        upload = upload_of(file, filename, content_type)
        with as_official_errors():
            return File(**self._client.native.files.create(upload, metadata=metadata).raw)

    def get(self, file_id: str) -> File:
        """Return what the API says of a file.

        Raises:
            ReplicateError: There is none.
        """
        return File(**self._client.request("GET", f"/files/{path_id(file_id)}"))

    def list(self) -> list[File]:
        """Return the account's files, of the first page.

        Raises:
            ReplicateError: The API refused.
        """
        return [File(**data) for data in self._client.request("GET", "/files").get("results", [])]

    def delete(self, file_id: str) -> bool:
        """Delete a file, and return whether that was accepted.

        Raises:
            ReplicateError: The API refused.
        """
        self._client.request("DELETE", f"/files/{path_id(file_id)}")
        return True
