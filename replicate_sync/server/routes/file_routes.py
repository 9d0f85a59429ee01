"""The operations on files: upload, list, show, delete, download."""

from __future__ import annotations

import hmac
import json
import tempfile
import time
from typing import IO, Any, cast

from flask import Request, Response, request

from ..uploads import LIMIT, Upload, signature
from ..validation import Problem
from . import pagination, problems
from .account_routes import USERNAME
from .context import Route, ServerContext, request_origin
from .json_responses import answer
from .problems import Refusal

_AROUND = 2**20  # bytes that a multipart body may have around the content
_SPOOL = 500_000  # bytes of a part that are held in memory while it comes in
_PAGE = 100


class FileRoutes:
    """Answers the requests that are about uploaded files."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.uploads = context.uploads

    def routes(self) -> list[Route]:
        """Give method, path, kind and view of each route."""
        return [
            Route("POST", "/v1/files", "upload", self.create),
            Route("GET", "/v1/files", "files", self.all),
            Route("GET", "/v1/files/<id>", "file", self.show),
            Route("DELETE", "/v1/files/<id>", "delete-file", self.delete),
            Route("GET", "/v1/files/<id>/download", "download", self.download),
        ]

    def create(self) -> Response:
        """Keep the part `content` of a multipart body."""
        limit = self.context.file_limit
        if (request.content_length or 0) > limit + _AROUND:
            raise _too_large(limit)
        request.max_form_memory_size = _AROUND
        cast(Bounded, request).limit = limit
        content = _part("content")
        if content is None:
            raise problems.invalid([Problem("required", "", "content is required")])
        data, name, type = content
        if len(data) > limit:
            raise _too_large(limit)
        name, type = request.form.get("filename", name), request.form.get("type", type)
        if len(name) > 255:
            raise problems.invalid([Problem("string_lte", "filename", "String length must be less than or equal to 255")])
        upload = Upload(data, name, type or "application/octet-stream", _metadata())
        self.uploads.keep(upload)
        return answer(upload.shown(request_origin()), 201)

    def all(self) -> Response:
        """List the files, newest first."""
        query, found = request.args.to_dict(), self.uploads.all()
        host = request_origin()
        return answer(
            pagination.page(found, lambda one: one.created, lambda one: one.shown(host), _PAGE, request.base_url, query)
        )

    def show(self, id: str) -> Response:
        """Show what is known of a file; its content is at its download URL only."""
        return answer(self._upload(id).shown(request_origin()))

    def delete(self, id: str) -> Response:
        """Forget a file."""
        self.uploads.drop(self._upload(id).id)
        return Response(status=204, content_type="text/plain; charset=UTF-8")

    def download(self, id: str) -> Response:
        """Send a file's content to whoever has a URL that the account has signed, and that has not expired."""
        given = request.args
        owner, expiry = given.get("owner", ""), given.get("expiry", "")
        right = signature(self.context.file_secret, owner, id, expiry)
        signed = hmac.compare_digest(given.get("signature", "").encode(), right.encode())
        if not signed or owner != USERNAME or not expiry.isdecimal() or int(expiry) < time.time():
            raise _not_found()
        return Response(self._upload(id).data, content_type="application/octet-stream")

    def _upload(self, id: str) -> Upload:
        found = self.uploads.get(id)
        if found is None:
            raise _not_found()
        return found


class Bounded(Request):
    """A request whose parts are put aside on the disk as they come in, up to a limit each."""

    limit = LIMIT

    def __init__(self, environ: dict[str, Any], *about: Any, **more: Any) -> None:
        super().__init__(environ, *about, **more)
        self._parts: list[_Part] = []

    def close(self) -> None:
        """Let go of what was put aside, also where the body was refused in the middle."""
        for part in self._parts:
            part.close()
        super().close()

    def _get_file_stream(self, *about: Any, **more: Any) -> IO[bytes]:
        self._parts.append(_Part(self.limit))
        return cast("IO[bytes]", self._parts[-1])


class _Part(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, limit: int) -> None:
        super().__init__(_SPOOL, "w+b")
        self._left, self._limit = limit, limit

    def write(self, data: Any) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._limit)
        return super().write(data)


def _part(name: str) -> tuple[bytes, str, str] | None:
    """Give content, file name and type of a part: with a file name it is a file, without one a field."""
    file = request.files.get(name)
    if file is not None:
        return file.read(), file.filename or "", file.content_type or ""
    field = request.form.get(name)
    return None if field is None else (field.encode(), "", "")


def _metadata() -> dict[str, Any]:
    part = _part("metadata")
    try:
        value = json.loads(part[0]) if part else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise problems.invalid([Problem("invalid_type", "metadata", "Invalid type. Expected: object")])
    return value


def _too_large(limit: int) -> Refusal:
    size = f"{limit // 2**20}MB" if limit % 2**20 == 0 else f"{limit} bytes"
    return problems.bare(413, f"Files must be less than {size} in size")


def _not_found() -> Refusal:
    return problems.bare(404, "File not found")
