"""A file of SQLite that one process uses, and no forked child of it: the owner of sqlite3.

SQLite's connections must not be carried across a fork: closing the copy in the child would write
to the file and remove the log in which the parent's last writes are. So they are closed before a
fork and opened again in the parent, and the child gets none.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from ..exceptions import InvalidInputError, JournalError
from ..forks import ForkCalls, fork_calls, opening_lock

_LOCK_TIMEOUT = 0.2  # seconds to wait for another process that is just ending

Row = tuple[Any, ...]


class SqliteFile:
    """An open file, for one process at a time and for any number of its threads.

    Args:
        path: The file; it is created where it does not exist.
        prepare: Creates the tables.

    Raises:
        InvalidInputError: It is no file of SQLite, or another process uses it.
        JournalError: The disk is full, or fails.
    """

    def __init__(self, path: str, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        #: Whether it was not closed; once closed, it stays so.
        self.is_open: bool = True
        self._prepare = prepare
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            with opening_lock:
                self._connect()
                _open_files.add(self)
        except sqlite3.Error as error:
            raise _opening_error(path, error) from error

    def execute(
        self, statement: str, values: Sequence[object] = (), *, unless_closed: bool = False
    ) -> list[Row]:
        """Return the rows of a statement; what it has written is safe when the process is killed.

        Args:
            statement: The statement.
            values: What stands for its question marks.
            unless_closed: Whether to do nothing where the file was closed, instead of raising.

        Raises:
            JournalError: The file is closed, or cannot be read or written.
        """
        with self._lock:
            if not self.is_open and unless_closed:
                return []
            if not self.is_open:
                raise JournalError(f"The journal {self.path} is closed.")
            try:
                if self._connection is None:
                    self._connect()
                assert self._connection is not None
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise JournalError(
                    f"The journal {self.path} cannot be used any more: {error}.",
                    hint="Nothing further was created. Make room on the disk, or repair it, and "
                    "start again with the same journal.",
                ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.is_open = False
            self._disconnect()
        with opening_lock:
            _open_files.discard(self)

    def before_fork(self) -> None:
        """Close the file, and keep other threads from it."""
        self._lock.acquire()
        self._disconnect()

    def after_fork_in_parent(self) -> None:
        """Open the file again; where that fails, the next statement tries again."""
        if self.is_open:
            with suppress(sqlite3.Error):
                self._connect()
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Leave the file to the parent."""
        self.is_open = False
        self._lock.release()

    def _connect(self) -> None:
        connection = sqlite3.connect(
            self.path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma locking_mode = exclusive")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _disconnect(self) -> None:
        connection = self._connection
        self._connection = None
        if connection is not None:
            # What cannot be moved to the file stays in SQLite's log beside it.
            with suppress(sqlite3.Error):
                connection.close()


def _opening_error(path: str, error: sqlite3.Error) -> InvalidInputError | JournalError:
    reason = str(error)
    if "locked" in reason:
        return InvalidInputError(
            f"The journal {path} is in use by another process, or by another map in this one.",
            hint="Wait for that to end, or choose another file.",
        )
    if "disk" in reason and "malformed" not in reason:
        return JournalError(f"The journal {path} cannot be used: {reason}. Nothing was created.")
    return InvalidInputError(
        f"The journal {path} cannot be used: {reason}. Nothing was created.",
        hint="Choose another file.",
    )


_open_files: WeakSet[SqliteFile] = WeakSet()
_suspended: list[SqliteFile] = []


def _before_fork() -> None:
    _suspended[:] = _open_files
    for file in _suspended:
        file.before_fork()


def _after_fork_in_parent() -> None:
    for file in _suspended:
        file.after_fork_in_parent()
    _suspended.clear()


def _after_fork_in_child() -> None:
    for file in _suspended:
        file.after_fork_in_child()
    _suspended.clear()
    _open_files.clear()


fork_calls.append(ForkCalls(_before_fork, _after_fork_in_parent, _after_fork_in_child))
