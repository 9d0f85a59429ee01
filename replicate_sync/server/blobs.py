"""The contents of files: in memory, or in a folder that stays after a restart."""

from __future__ import annotations

import pathlib
import shutil
import urllib.parse
from typing import NamedTuple


class Blob(NamedTuple):
    """The content of one file.

    Attributes:
        size: How many bytes it has.
        content: The content, or the path of the file that has it.
    """

    size: int
    content: bytes | pathlib.Path

    @property
    def data(self) -> bytes:
        """The content; empty where its file was deleted from the folder."""
        if isinstance(self.content, bytes):
            return self.content
        try:
            return self.content.read_bytes()
        except FileNotFoundError:
            return b""


class Blobs:
    """Contents by owner and name.

    Args:
        folder: Where they are written; with None they are held in memory, by whoever uses them.
    """

    def __init__(self, folder: pathlib.Path | None) -> None:
        self._folder = folder

    def keep(self, owner: str, name: str, data: bytes) -> Blob:
        """Keep a content.

        Args:
            owner: What it belongs to, such as the id of a prediction.
            name: Its name, which no other content of the owner has.
            data: The content.

        Raises:
            OSError: The disk is full.
        """
        if self._folder is None:
            return Blob(len(data), data)
        path = self._folder / _quote(owner) / _quote(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Blob(len(data), path)

    def find(self, owner: str) -> dict[str, Blob]:
        """Return what an owner has in the folder, by name and in the order of the names."""
        if self._folder is None:
            return {}
        folder = self._folder / _quote(owner)
        if not folder.is_dir():
            return {}
        paths = sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))
        return {urllib.parse.unquote(path.name): Blob(path.stat().st_size, path) for path in paths}

    def delete(self, owner: str) -> None:
        """Delete what an owner has."""
        if self._folder is not None:
            shutil.rmtree(self._folder / _quote(owner), ignore_errors=True)


def _quote(name: str) -> str:
    # A name comes from a model or a client, and must not lead to another folder.
    quoted = urllib.parse.quote(name, safe="")
    if quoted.strip(".") == "":
        return "_" + quoted
    return quoted
