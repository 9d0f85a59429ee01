"""The operations on files: upload, list, show, delete, download."""

from __future__ import annotations

import hmac
import time

from werkzeug.wrappers import Response

from ..json_types import JSONObject
from ..local_account import USERNAME
from ..uploads import Upload, sign_download
from ..validation import Problem
from . import problems
from .context import Route, ServerContext, request_origin
from .current_request import request
from .json_bodies import parse_json
from .json_responses import json_response
from .multipart_request import Part, too_large
from .pagination import Listing, current_page
from .plain_response import PlainResponse
from .problems import APIError
from .serializers import serialize_upload

_PAGE_SIZE = 100
_MAX_NAME_LENGTH = 255


class FileRoutes:
    """Responds to the requests about uploaded files.

    API: https://replicate.com/docs/reference/http#files.create

    Args:
        context: The server.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._uploads = context.uploads

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        return [
            Route("POST", "/v1/files", "upload", self.create),
            Route("GET", "/v1/files", "files", self.all),
            Route("GET", "/v1/files/<id>", "file", self.show),
            Route("DELETE", "/v1/files/<id>", "delete-file", self.delete),
            Route("GET", "/v1/files/<id>/download", "download", self.download),
        ]

    def create(self) -> PlainResponse:
        """Keep the part `content` of a multipart body."""
        limit = self._context.file_limit
        request.limit_parts(limit)
        content = request.part("content")
        if content is None:
            raise problems.invalid([Problem("required", "", "content is required")])
        if len(content.data) > limit:
            raise too_large(limit)
        name = request.form.get("filename", content.filename)
        media_type = request.form.get("type", content.type) or "application/octet-stream"
        if len(name) > _MAX_NAME_LENGTH:
            description = "String length must be less than or equal to 255"
            raise problems.invalid([Problem("string_lte", "filename", description)])
        metadata = _parse_metadata(request.part("metadata"))
        upload = self._uploads.create(content.data, name, media_type, metadata)
        return json_response(serialize_upload(upload, request_origin()), 201)

    def all(self) -> PlainResponse:
        """List the files, newest first, 100 to a page."""
        origin = request_origin()
        listing = Listing(
            self._uploads.all(),
            lambda upload: upload.created_at,
            lambda upload: serialize_upload(upload, origin),
            _PAGE_SIZE,
        )
        return json_response(current_page(listing))

    def show(self, id: str) -> PlainResponse:
        """Show what is known about a file; its content is at its download URL."""
        return json_response(serialize_upload(self._upload(id), request_origin()))

    def delete(self, id: str) -> Response:
        """Delete a file."""
        self._uploads.delete(self._upload(id).id)
        return Response(status=204, content_type="text/plain; charset=UTF-8")

    def download(self, id: str) -> Response:
        """Send a file's content, for a signed URL that has not expired."""
        owner = request.args.get("owner", "")
        expiry = request.args.get("expiry", "")
        signature = request.args.get("signature", "")
        expected = sign_download(self._context.file_secret, owner, id, expiry)
        signed = hmac.compare_digest(signature.encode(), expected.encode())
        if not signed or owner != USERNAME or not expiry.isdecimal() or int(expiry) < time.time():
            raise _not_found()
        return Response(self._upload(id).blob.data, content_type="application/octet-stream")

    def _upload(self, id: str) -> Upload:
        upload = self._uploads.get(id)
        if upload is None:
            raise _not_found()
        return upload


def _parse_metadata(part: Part | None) -> JSONObject:
    if part is None:
        return {}
    try:
        metadata = parse_json(part.data)
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        description = "Invalid type. Expected: object"
        raise problems.invalid([Problem("invalid_type", "metadata", description)])
    return metadata


def _not_found() -> APIError:
    return problems.detail_only(404, "File not found")
