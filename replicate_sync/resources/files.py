"""Uploaded files."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..deadline import NO_DEADLINE, Deadline
from ..display.progress import ByteProgress
from ..exceptions import InvalidInputError
from ..http.multipart import Form
from ..http.request import Content, path_segment
from ..payloads.file_inputs import to_upload
from ..payloads.inputs import refuse_equal_keys
from ..payloads.local_paths import path_expression
from ..payloads.upload import MAX_INLINE_SIZE, Upload, UploadedFile
from .base import Record, Resource, discard
from .pages import Pages


class File(Record, UploadedFile):
    """An uploaded file, which a model takes as an input. Replicate keeps it for a day.

    Examples:
        >>> file = client.files.create(b"some bytes")
        >>> file.size
        10
    """

    id: str | None = None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    etag: str | None = None
    checksums: Mapping[str, str] = MappingProxyType({})
    metadata: Mapping[str, Any] = MappingProxyType({})
    created_at: str | None = None
    expires_at: str | None = None
    urls: Mapping[str, str] = MappingProxyType({})

    @property
    def url(self) -> str | None:
        """The URL that stands for the file in a model's input.

        Examples:
            >>> file = client.files.create(b"some bytes")
            >>> file.url
            'http://127.0.0.1:.../v1/files/...'
        """
        return self.urls.get("get") if isinstance(self.urls, Mapping) else None


class Files(Resource):
    """Uploaded files: `create`, `get`, `list`, `delete`, `download`.

    Examples:
        >>> file = client.files.create(Path(picture_path))
        >>> client.files.delete(file.id)
    """

    def create(
        self,
        content: object,
        *,
        metadata: Mapping[str, Any] | None = None,
        progress: bool = False,
        deadline: float | Deadline | None = None,
    ) -> File:
        """Upload a file, and return its record. It is never held in memory.

        See https://replicate.com/docs/reference/http#files.create

        Args:
            content: A path, an open binary file, bytes or a picture, of at most 100 MB.
            metadata: JSON to keep with the file.
            progress: Whether to display a progress bar for a file of more than 5 MB. Needs the
                extra "progress".
            deadline: The seconds that this call may take.

        Returns:
            The record of the file, with its `id`, and its `url` for inputs of models.

        Raises:
            InvalidInputError: It is not a file, cannot be read, or is too long; or JSON cannot
                express the metadata. Nothing was sent.

        Examples:
            >>> file = client.files.create(Path(picture_path), metadata={"album": "cats"})
            >>> file.name
            'cat.png'
        """
        upload = content if isinstance(content, Upload) else to_upload(content)
        if upload is None:
            hint = ""
            if isinstance(content, str):
                hint = f"Pass {path_expression(content)}, with Path from pathlib."
            raise InvalidInputError(
                "A file is a path, an open binary file, bytes or a picture, "
                f"not {type(content).__name__}.",
                hint=hint,
            )
        if not isinstance(metadata, Mapping | None):
            raise InvalidInputError(f"metadata is a dict, not {type(metadata).__name__}.")
        refuse_equal_keys(metadata, "metadata")
        limit = Deadline.of(deadline)
        with upload.opened() as file, ByteProgress(upload.name, progress) as bar:
            form = Form(
                file, upload.size, upload.name, upload.mime_type, metadata or {}, bar.update
            )
            return self._transport.request(
                "POST",
                "/files",
                content=Content(form, form.content_type),
                deadline=limit,
                build=File.from_json,
            )

    def place(
        self, upload: Upload, progress: bool = False, deadline: Deadline = NO_DEADLINE
    ) -> str:
        """Return what stands for a file in an input: a data URI, or the URL of its upload."""
        if upload.size <= MAX_INLINE_SIZE:
            return upload.data_uri()
        return str(self.create(upload, progress=progress, deadline=deadline).url)

    def get(self, file_id: str) -> File:
        """Return the record of a file.

        See https://replicate.com/docs/reference/http#files.get

        Args:
            file_id: The file's id, as in `File.id`.

        Raises:
            NotFoundError: There is no such file.

        Examples:
            >>> file = client.files.create(b"some bytes")
            >>> client.files.get(file.id).size
            10
        """
        path = f"/files/{path_segment(file_id)}"
        return self._transport.request("GET", path, build=File.from_json)

    def list(self, *, limit: int | None = None) -> Pages[File]:
        """Return an iterator over the account's files.

        See https://replicate.com/docs/reference/http#files.list

        Args:
            limit: After how many of them to stop; None for all.

        Raises:
            InvalidInputError: The limit is wrong.
            ReplicateError: A page cannot be fetched. It is raised where an item of it is needed.

        Examples:
            >>> file = client.files.create(b"some bytes")
            >>> [one.size for one in client.files.list(limit=1)]
            [10]
        """
        return self._list("/files", File.from_json, limit)

    def delete(self, file_id: str) -> None:
        """Delete a file.

        See https://replicate.com/docs/reference/http#files.delete

        Args:
            file_id: The file's id, as in `File.id`.

        Raises:
            NotFoundError: There is no such file.

        Examples:
            >>> file = client.files.create(b"some bytes")
            >>> client.files.delete(file.id)
        """
        self._transport.request("DELETE", f"/files/{path_segment(file_id)}", build=discard)

    def download(self, file_id: str, *, owner: str, expiry: int, signature: str) -> bytes:
        """Return the content of a file by its signature.

        See https://replicate.com/docs/reference/http#files.download

        Args:
            file_id: The file's id.
            owner: The account that it belongs to.
            expiry: Until when the signature is good, in seconds since 1970.
            signature: The signature of the three.

        Raises:
            ResponseError: The signature is wrong, or too old.

        Examples:
            >>> query = {"owner": "somebody", "expiry": 0, "signature": "wrong"}
            >>> client.files.download("abcdefghijklmnop", **query)
            Traceback (most recent call last):
                ...
            replicate_sync.exceptions.NotFoundError: ...
        """
        params = {"owner": owner, "expiry": str(expiry), "signature": signature}
        path = f"/files/{path_segment(file_id)}/download"
        return self._transport.request("GET", path, params=params, decode=bytes, build=bytes)
