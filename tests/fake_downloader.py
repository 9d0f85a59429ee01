"""A downloader that needs no network."""

from __future__ import annotations

from collections.abc import Iterator

from replicate_sync.deadline import NO_DEADLINE, Deadline
from replicate_sync.http.multipart import OnBytes


class FakeDownloader:
    """Serves one file, and remembers what was fetched.

    Args:
        pieces: The content of the file.
        error: Raised after the last piece.
    """

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.fetched: list[str] = []
        self.downloaded: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.error is not None:
            raise self.error
        return b"".join(self.pieces)

    def download(
        self, url: str, *, on_bytes: OnBytes | None = None, deadline: Deadline = NO_DEADLINE
    ) -> Iterator[bytes]:
        self.downloaded.append(url)
        done = 0
        for piece in self.pieces:
            done += len(piece)
            if on_bytes is not None:
                on_bytes(done, sum(map(len, self.pieces)))
            yield piece
        if self.error is not None:
            raise self.error
