"""What a batch has created, on disk before it is waited for: the owner of sqlite3.

One row per input: first that its prediction is being asked for, then its id, then how it ended. Each step is on disk
when the next begins, so a process that is killed at any moment can be started again and knows what it had.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .errors import InvalidInputError

_TABLE = """
create table if not exists runs (
    position integer primary key,  -- of the input, from 0
    key text not null,             -- of the model and the input
    asked real not null,           -- when it was asked for, in seconds since 1970
    id text,                       -- of the prediction, once it is known
    ended text                     -- the prediction as JSON, once it has ended
)
"""


@dataclass(frozen=True)
class Entry:
    """What is known of one input's run."""

    key: str
    asked: float
    id: str | None
    ended: dict[str, Any] | None


class Journal:
    """A file that remembers the runs of one batch; for one process at a time, with any number of threads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._lock = threading.Lock()
        with self._told():
            self._file = sqlite3.connect(self._path, timeout=1, isolation_level=None, check_same_thread=False)
            try:
                self._file.execute("pragma locking_mode = exclusive")
                self._file.execute("pragma journal_mode = wal")
                self._file.execute("pragma synchronous = normal")
                self._file.execute(_TABLE)
            except sqlite3.Error:
                self._file.close()
                raise
            self._open = True

    @staticmethod
    def key(model: str, given: bytes) -> str:
        """Give what tells one run from another: the model and the input, as they are sent."""
        return sha256(model.encode() + b"\0" + given).hexdigest()

    def entry(self, position: int, key: str) -> Entry | None:
        """Give what is known of an input; raise InvalidInputError where it was another one."""
        with self._told():
            row = self._file.execute("select key, asked, id, ended from runs where position = ?", (position,)).fetchone()
        if row is None:
            return None
        if row[0] != key:
            raise InvalidInputError(
                f"The journal {self._path} was written for another model or other inputs (input {position} differs): "
                "go on with the same ones, or choose another file."
            )
        return Entry(row[0], row[1], row[2], json.loads(row[3]) if row[3] else None)

    def ids(self) -> list[str]:
        """Give the ids of all predictions in it, those asked for first at the front."""
        with self._told():
            return [row[0] for row in self._file.execute("select id from runs where id is not null order by asked")]

    def asks(self, position: int, key: str, now: float) -> None:
        """Write that a prediction is about to be asked for."""
        self._write("insert or replace into runs (position, key, asked) values (?, ?, ?)", position, key, now)

    def created(self, position: int, prediction_id: str) -> None:
        """Write the id of the prediction that was created."""
        self._write("update runs set id = ? where position = ?", prediction_id, position)

    def not_created(self, position: int) -> None:
        """Write that nothing was created."""
        self._write("delete from runs where position = ?", position)

    def ended(self, position: int, prediction: Mapping[str, Any]) -> None:
        """Write how a prediction ended; its input and its logs are not kept."""
        kept = {name: value for name, value in prediction.items() if name not in ("input", "logs")}
        self._write("update runs set ended = ? where position = ?", json.dumps(kept), position)

    def close(self) -> None:
        """Close the file; what is written later is left out, as if the process had been killed here."""
        with self._told():
            self._open = False
            self._file.close()

    def _write(self, statement: str, *values: object) -> None:
        with self._told():
            if self._open:
                self._file.execute(statement, values)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise InvalidInputError(
                f"The journal {self._path} cannot be used ({error}): is another process using it, or is it another file?"
            ) from error
