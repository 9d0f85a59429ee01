"""What a server remembers over a restart: JSON records in a SQLite file."""

from __future__ import annotations

import contextlib
import json
import logging
import pathlib
import threading
from typing import TYPE_CHECKING

from .json_types import JSONObject

if TYPE_CHECKING:
    import sqlite3

_logger = logging.getLogger("replicate_sync.server")
_NAME = "replicate.db"


class Records:
    """JSON records by kind and id, in the order in which they were first put.

    Args:
        folder: Where the SQLite file is; with None nothing is kept.

    Raises:
        ValueError: The folder cannot be used, or another server uses it.
    """

    def __init__(self, folder: pathlib.Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.open()

    def open(self) -> None:
        """Open the file again, after `close`.

        Raises:
            ValueError: Another server uses the folder now.
        """
        with self._lock:
            if self._folder is not None and self._connection is None:
                self._connection = _open(self._folder)

    @property
    def kept(self) -> bool:
        """Whether anything is kept."""
        return self._connection is not None

    def put(self, kind: str, id: str, record: JSONObject) -> None:
        """Keep a record, in place of one with the same kind and id.

        Where the disk is full the server goes on, and says so in its log.
        """
        if self._connection is None:
            return
        text = json.dumps(record)
        statement = (
            "INSERT INTO records (kind, id, record) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record"
        )
        self._write(statement, (kind, id, text))

    def delete(self, kind: str, id: str) -> None:
        """Delete a record; one that does not exist is no error."""
        self._write("DELETE FROM records WHERE kind = ? AND id = ?", (kind, id))

    def all(self, kind: str) -> dict[str, JSONObject]:
        """Return the records of a kind by id, oldest first."""
        if self._connection is None:
            return {}
        query = "SELECT id, record FROM records WHERE kind = ? ORDER BY number"
        with self._lock:
            rows = self._connection.execute(query, (kind,)).fetchall()
        return {id: json.loads(text) for id, text in rows}

    def close(self) -> None:
        """Close the file; nothing is kept any more."""
        with self._lock:
            connection = self._connection
            self._connection = None
        if connection is not None:
            connection.close()

    def _write(self, statement: str, values: tuple[str, ...]) -> None:
        with self._lock:
            if self._connection is None:
                return
            import sqlite3  # late, as most servers keep nothing

            try:
                self._connection.execute(statement, values)
            except sqlite3.Error as error:
                _logger.warning("The local server could not write its data: %s", error)


def _open(folder: pathlib.Path) -> sqlite3.Connection:
    import sqlite3

    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            folder / _NAME, timeout=0.2, isolation_level=None, check_same_thread=False
        )
        with contextlib.ExitStack() as unless_prepared:
            unless_prepared.callback(connection.close)
            _prepare(connection)
            unless_prepared.pop_all()
    except (sqlite3.Error, OSError) as error:
        raise ValueError(
            f"The folder {folder} cannot keep a server's data ({error}). "
            "Is another server using it?"
        ) from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # Exclusive, so that a second server cannot use the folder at the same time.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
        "id TEXT NOT NULL, record TEXT NOT NULL, UNIQUE (kind, id))"
    )
