"""How a cut download goes on: status and headers of each response in, what of its body is new out.

A response of 206 is believed only where it says that it is the part that was asked for, of the same
file, as it is. A server may send less than that, and is asked for the rest then.

An example: 1,000 of 5,000 bytes have arrived. `bytes=1000-` is asked for, and the response is 206
with `Content-Range: bytes 1000-1999/5000`: its 1,000 bytes are new, and `bytes=2000-` is next. A
response of 200 is the whole file once more, whose first 1,000 bytes are skipped. A part that begins
at 0 is an error, and so is one of a file of 6,000 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..exceptions import UnexpectedDataError

_PART = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_SIZE_ALONE = re.compile(r"bytes \*/([0-9]{1,18})", re.IGNORECASE)
_SIZE = re.compile(r"[0-9]{1,18}")
_UNPACKED = ("", "identity")


class Resumption:
    """How far the download of one file is. Headers are case-insensitive mappings."""

    def __init__(self) -> None:
        #: The bytes of the file that have arrived.
        self.received: int = 0
        #: The size of the file in bytes, where it is known.
        self.total: int | None = None
        self._tag = ""
        self._is_packed = False
        # What the latest response may still bring.
        self._to_skip = 0
        self._part_end: int | None = None

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers that ask for the rest of the file.

        A file that comes packed is asked for as a whole: a range would be one of the packed bytes.
        """
        if self.received and not self._is_packed:
            return {"Range": f"bytes={self.received}-"}
        return {}

    @property
    def is_whole(self) -> bool:
        """Whether all of the file has arrived, as far as that is known."""
        if self.total is None:
            return self._part_end is None
        return self.received == self.total

    def is_at_end(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether a response says that the file has no bytes beyond those that arrived."""
        if status != 416 or not self.received or self.total not in (None, self.received):
            return False
        content_range = headers.get("Content-Range", "").strip()
        match = _SIZE_ALONE.fullmatch(content_range)
        if match is not None:
            return int(match[1]) == self.received
        return not content_range

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the next response, whose status is 200 or 206.

        Raises:
            UnexpectedDataError: It is not what the download can go on with.
        """
        encoding = headers.get("Content-Encoding", "").strip().lower()
        is_packed = encoding not in _UNPACKED
        if status == 206:
            total = self._begin_part(headers, is_packed)
        else:
            total = None
            length = headers.get("Content-Length", "").strip()
            if not is_packed and _SIZE.fullmatch(length):
                total = int(length)
            self._to_skip = self.received
            self._part_end = total
        tag = headers.get("ETag") or headers.get("Last-Modified") or ""
        is_other = self._tag and tag and tag != self._tag
        is_longer = self.total is not None and total is not None and total != self.total
        if self.received and (is_other or is_longer):
            raise UnexpectedDataError("the same file as before the cut", tag)
        if not self.received:
            self._is_packed = is_packed
        self._tag = tag or self._tag
        if total is not None:
            self.total = total

    def _begin_part(self, headers: Mapping[str, str], is_packed: bool) -> int | None:
        """Note a response of 206, and return the size of the whole file, if it says that."""
        content_range = headers.get("Content-Range", "").strip()
        match = _PART.fullmatch(content_range)
        if match is None:
            raise UnexpectedDataError("a part of the file", content_range)
        first, last = int(match[1]), int(match[2])
        total = None
        if match[3] != "*":
            total = int(match[3])
        is_possible = first <= last and (total is None or last < total)
        if first != self.received or is_packed or not is_possible:
            raise UnexpectedDataError("the part of the file that was asked for", content_range)
        self._to_skip = 0
        self._part_end = last + 1
        return total

    def new_bytes(self, content: bytes) -> bytes:
        """Return what of the next bytes of a response is new.

        Raises:
            UnexpectedDataError: There are more than it said.
        """
        skipped = min(self._to_skip, len(content))
        self._to_skip -= skipped
        if skipped:
            content = content[skipped:]
        self.received += len(content)
        if self._part_end is not None and self.received > self._part_end:
            raise UnexpectedDataError("as long as it says", f"{self.received} bytes")
        return content
