"""Multipart bodies: their parts, which are limited in size and are kept on the disk."""

from __future__ import annotations

import tempfile
from typing import IO, Any, NamedTuple, cast

from werkzeug.wrappers import Request

from ..uploads import LIMIT
from . import problems
from .problems import APIError

BODY = "replicate_sync.body"
"""The key of a WSGI environment for the whole body, where it has been read already."""
OVERHEAD = 2**20
"""How many bytes a body may have besides the content of a file."""
_MEMORY = 500_000  # bytes of a part that are held in memory while it is received


class Part(NamedTuple):
    """One part of a multipart body.

    Attributes:
        data: Its content.
        filename: Its file name, "" for a field.
        type: Its media type, "" for a field.
    """

    data: bytes
    filename: str
    type: str


class MultipartRequest(Request):
    """A request whose file parts are received into temporary files.

    Attributes:
        part_limit: How many bytes a part may have.
    """

    part_limit: int = LIMIT

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        self._temporary: list[_LimitedFile] = []

    def limit_parts(self, limit: int) -> None:
        """Set how many bytes a part may have, before the body is received.

        Raises:
            APIError: The whole body is too large already.
        """
        if (self.content_length or 0) > limit + OVERHEAD:
            raise too_large(limit)
        self.max_form_memory_size: int | None = OVERHEAD
        self.part_limit = limit

    def part(self, name: str) -> Part | None:
        """Return a part, a file or a field, or None."""
        file = self.files.get(name)
        if file is not None:
            return Part(file.read(), file.filename or "", file.content_type or "")
        field = self.form.get(name)
        if field is None:
            return None
        return Part(field.encode(), "", "")

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body.

        Raises:
            APIError: The client sent what is no body, such as chunks without their lengths.
        """
        if BODY in self.environ:
            return self.environ[BODY]
        try:
            return super().get_data(*args, **kwargs)
        except OSError as error:
            raise _malformed(error) from None

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except OSError as error:
            raise _malformed(error) from None

    def close(self) -> None:
        """Delete the temporary files, also where the body was refused in the middle."""
        for file in self._temporary:
            file.close()
        super().close()

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        file = _LimitedFile(self.part_limit)
        self._temporary.append(file)
        return cast("IO[bytes]", file)


class _LimitedFile(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, limit: int) -> None:
        super().__init__(_MEMORY, "w+b")
        self._remaining = limit
        self._limit = limit

    def write(self, data: Any) -> int:
        self._remaining -= len(data)
        if self._remaining < 0:
            raise too_large(self._limit)
        return super().write(data)


def _malformed(error: OSError) -> APIError:
    return APIError(400, f"The request's body cannot be read: {error}", "Malformed request")


def too_large(limit: int) -> APIError:
    """Return the error for a file of more bytes than the limit."""
    size = f"{limit} bytes"
    if limit % 2**20 == 0:
        size = f"{limit // 2**20}MB"
    return problems.detail_only(413, f"Files must be less than {size} in size")
