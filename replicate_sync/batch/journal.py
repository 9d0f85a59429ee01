"""What a batch has created, on disk before it is waited for: the owner of sqlite3.

There is one row for each input, and each step is on disk before the next one begins:

    absent      nothing was created for this input
    requested   `requested_at` is set: a prediction is about to be created, and may exist
    created     `id` is set: the prediction is known
    ended       `ended` is set: the prediction as JSON

An example: a process is killed between "requested" and "created". The next one, started with the
same inputs, finds the row, looks up what was created since `requested_at`, and adopts it or creates
it. Killed after "created", it waits for the prediction of that id; killed after "ended", it creates
and asks nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from ..exceptions import InvalidInputError

# The names of table and columns are those of the first version: files of that time can be read.
_CREATE_TABLE = """
create table if not exists runs (
    position integer primary key,  -- of the input, from 0
    key text not null,             -- identifies the model and the input
    asked real not null,           -- requested_at, in seconds since 1970
    id text,                       -- of the prediction, once it is known
    ended text                     -- the prediction as JSON, once it has ended
)
"""
_NOT_KEPT = ("input", "logs")


class Entry(NamedTuple):
    """What is known of the prediction of one input."""

    key: str
    requested_at: float
    id: str | None
    ended: dict[str, Any] | None


class Journal:
    """A file that remembers the predictions of one batch.

    It is for one process at a time, and for any number of threads.

    Args:
        path: The file; it is created where it does not exist.

    Raises:
        InvalidInputError: It cannot be used, or another process uses it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._lock = threading.Lock()
        with self._locked():
            self._database = sqlite3.connect(
                self._path, timeout=1, isolation_level=None, check_same_thread=False
            )
            try:
                self._database.execute("pragma locking_mode = exclusive")
                self._database.execute("pragma journal_mode = wal")
                self._database.execute("pragma synchronous = normal")
                self._database.execute(_CREATE_TABLE)
            except sqlite3.Error:
                self._database.close()
                raise
            self._is_open = True

    @staticmethod
    def key(model: str, serialized_input: bytes) -> str:
        """Return what identifies a model and its input."""
        return sha256(model.encode() + b"\0" + serialized_input).hexdigest()

    def entry(self, position: int, key: str) -> Entry | None:
        """Return what is known of an input, or None.

        Raises:
            InvalidInputError: The journal was written for another model, or another input.
        """
        with self._locked():
            row = self._database.execute(
                "select key, asked, id, ended from runs where position = ?", (position,)
            ).fetchone()
        if row is None:
            return None
        known_key, requested_at, prediction_id, ended = row
        if known_key != key:
            raise InvalidInputError(
                f"The journal {self._path} was written for another model or other inputs "
                f"(input {position} differs).",
                hint="Go on with the same ones, or choose another file.",
            )
        return Entry(known_key, requested_at, prediction_id, json.loads(ended) if ended else None)

    def ids(self) -> list[str]:
        """Return the ids of all predictions, the oldest first."""
        with self._locked():
            rows = self._database.execute("select id from runs where id is not null order by asked")
            return [prediction_id for (prediction_id,) in rows]

    def record_request(self, position: int, key: str, requested_at: float) -> None:
        """Record that a prediction is about to be created."""
        statement = "insert or replace into runs (position, key, asked) values (?, ?, ?)"
        self._write(statement, position, key, requested_at)

    def record_created(self, position: int, prediction_id: str) -> None:
        """Record the id of the prediction that was created."""
        self._write("update runs set id = ? where position = ?", prediction_id, position)

    def record_not_created(self, position: int) -> None:
        """Record that nothing was created."""
        self._write("delete from runs where position = ?", position)

    def record_ended(self, position: int, prediction: Mapping[str, Any]) -> None:
        """Record how a prediction ended; its input and its logs are not kept."""
        kept = {name: value for name, value in prediction.items() if name not in _NOT_KEPT}
        self._write("update runs set ended = ? where position = ?", json.dumps(kept), position)

    def close(self) -> None:
        """Close the file. What is written later is left out, as if the process had been killed."""
        with self._locked():
            self._is_open = False
            self._database.close()

    def _write(self, statement: str, *values: object) -> None:
        with self._locked():
            if self._is_open:
                self._database.execute(statement, values)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise InvalidInputError(
                f"The journal {self._path} cannot be used ({error}): is another process using it, "
                "or is it another file?"
            ) from error
