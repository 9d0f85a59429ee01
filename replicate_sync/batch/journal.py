"""What a batch has created, on disk before it is waited for.

There is one row for each input, and each step is on disk before the next one begins:

    absent      nothing was created for this input
    requested   `evidence` is set: a prediction is about to be created, and may exist
    created     `id` is set: the prediction is known
    ended       `ended` is set: the prediction as JSON; `result` says what its output is, and where
                its files are on disk; `saved` is set where nothing is left to be saved

An example: a process is killed between "requested" and "created". The next one, started with the
same inputs, finds the row, and looks up what the evidence describes among what the account has
created since: it adopts that, or creates it where there is none. Killed after "created", it waits
for the prediction of that id; killed after "ended", it creates and asks nothing.

Rows of a map have the positions of their inputs, from 0. Those of single runs are found by their
keys, and have positions below 0, so that one file can be for both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..exceptions import InvalidInputError, JournalError, excerpt
from .sqlite_file import Row, SqliteFile

if TYPE_CHECKING:
    from sqlite3 import Connection

# The names of table and columns are those of the first version: files of that time can be read.
_CREATE_TABLE = """
create table if not exists runs (
    position integer primary key,  -- of the input, from 0; below 0 for a single run
    key text not null,             -- identifies the model and the input
    asked real not null,           -- requested_at, in seconds since 1970
    id text,                       -- of the prediction, once it is known
    ended text                     -- the prediction as JSON, once it has ended
)
"""
# By later versions.
_ADDED_COLUMNS = ("evidence text", "result text", "saved integer")
# So that a long journal is opened at once: what is left to do is in indexes of its own.
_UNFINISHED = "ended is null"
_UNSAVED = "ended is not null and saved is null"
_INDEX_UNFINISHED = f"create index if not exists unfinished on runs (position) where {_UNFINISHED}"
_INDEX_SINGLE = "create index if not exists single on runs (key) where position < 0"
_INDEX_UNSAVED = f"create index if not exists unsaved on runs (position) where {_UNSAVED}"
_COLUMNS = "position, key, asked, id, ended, evidence, result"
_NOT_KEPT = ("input", "logs")
_MAX_IDS = 1000  # the last of each kind, which a look-up might take for what it looks for
_ROWS_AT_A_TIME = 500


class Entry(NamedTuple):
    """What is known of the prediction of one input."""

    position: int
    key: str
    requested_at: float
    id: str | None = None
    ended: dict[str, Any] | None = None
    #: By what a prediction is recognized that may have been created.
    evidence: dict[str, Any] | None = None
    #: What its output is, and where its files are; see `result_shape`.
    result: dict[str, Any] | None = None


class Journal:
    """A file that remembers the predictions of one batch.

    It is for one process at a time, and for any number of its threads. A forked child has no part
    in it.

    Args:
        path: The file; it is created where it does not exist.

    Raises:
        InvalidInputError: It is no journal, or another process uses it.
        JournalError: The disk is full, or fails.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = SqliteFile(os.fspath(path), _prepare)

    @property
    def is_open(self) -> bool:
        """Whether it was not closed, so that what has been recorded by now is on disk."""
        return self._file.is_open

    @staticmethod
    def key(model: str, serialized_input: bytes, name: str = "") -> str:
        """Return what identifies a model and its input, and the run, where that has a name."""
        content = model.encode() + b"\0" + serialized_input
        if name:
            content += b"\0" + name.encode()
        return sha256(content).hexdigest()

    def entry(self, position: int, key: str) -> Entry | None:
        """Return what is known of an input, or None.

        Raises:
            InvalidInputError: The journal was written for another model, or another input.
            JournalError: The row is damaged, or the file cannot be read.
        """
        rows = self._select("position = ?", position)
        if not rows:
            return None
        entry = self._parse(rows[0])
        if entry.key != key:
            raise InvalidInputError(
                f"The journal {self._file.path} was written for another model or other inputs "
                f"(input {position} differs).",
                hint="Go on with the same ones, or choose another file.",
            )
        return entry

    def position_of(self, key: str) -> int:
        """Return the position of a single run, whether it has a row or not.

        Raises:
            JournalError: The file cannot be read.
        """
        self._file.execute(_INDEX_SINGLE)
        rows = self._file.execute(
            "select position from runs where position < 0 and key = ?", (key,)
        )
        if rows:
            return int(rows[0][0])
        [(first,)] = self._file.execute("select min(position) from runs")
        return min(first or 0, 0) - 1

    def entries(self) -> Iterator[Entry | JournalError]:
        """Yield the rows in the order of their positions; an error in the place of a damaged one.

        Raises:
            JournalError: The file cannot be read.
        """
        return self._entries("1")

    def unfinished(self) -> Iterator[Entry]:
        """Yield the rows of what may exist, and whose end is not known."""
        return self._undamaged(_UNFINISHED)

    def unsaved(self) -> Iterator[Entry]:
        """Yield the rows of what has ended, and whose files were not saved."""
        # Not in every journal, as it has a row for each prediction where no files are saved.
        self._file.execute(_INDEX_UNSAVED)
        return self._undamaged(_UNSAVED)

    def _undamaged(self, condition: str) -> Iterator[Entry]:
        return (entry for entry in self._entries(condition) if isinstance(entry, Entry))

    def _entries(self, condition: str) -> Iterator[Entry | JournalError]:
        [(position,)] = self._file.execute("select min(position) - 1 from runs")
        while position is not None:
            more = f"position > ? and {condition} order by position limit {_ROWS_AT_A_TIME}"
            rows = self._select(more, position)
            position = rows[-1][0] if rows else None
            for row in rows:
                try:
                    yield self._parse(row)
                except JournalError as error:
                    yield error

    def ids(self) -> list[str]:
        """Return the ids of the predictions of the last inputs, in the order of these."""
        singles = f"position < 0 and id is not null order by position limit {_MAX_IDS}"
        inputs = f"position >= 0 and id is not null order by position desc limit {_MAX_IDS}"
        rows = [*self._ids(singles), *self._ids(inputs)]
        return [prediction_id for (prediction_id,) in reversed(rows)]

    def _ids(self, condition: str) -> list[Row]:
        return self._file.execute(f"select id from runs where {condition}")

    def record_request(
        self, position: int, key: str, requested_at: float, evidence: Mapping[str, Any]
    ) -> None:
        """Record that a prediction is about to be created.

        Raises:
            JournalError: It could not be recorded, and must not be created.
        """
        self._file.execute(
            "insert or replace into runs (position, key, asked, evidence) values (?, ?, ?, ?)",
            (position, key, requested_at, json.dumps(evidence)),
        )

    def record_created(self, position: int, prediction_id: str) -> None:
        """Record the id of the prediction that was created."""
        self._update("id = ?, evidence = null", position, prediction_id)

    def record_not_created(self, position: int) -> None:
        """Record that nothing was created."""
        delete = "delete from runs where position = ?"
        self._file.execute(delete, (position,), unless_closed=True)

    def record_ended(
        self,
        position: int,
        prediction: Mapping[str, Any],
        result: Mapping[str, Any] | None = None,
        *,
        is_saved: bool = True,
    ) -> None:
        """Record how a prediction ended; its input and its logs are not kept.

        Args:
            position: The position of its input.
            prediction: The prediction as JSON.
            result: The shape of its result, if it has one.
            is_saved: Whether nothing of it is left to be saved on disk.
        """
        kept = {name: value for name, value in prediction.items() if name not in _NOT_KEPT}
        shape = None if result is None else json.dumps(result)
        saved = 1 if is_saved else None
        self._update("ended = ?, result = ?, saved = ?", position, json.dumps(kept), shape, saved)

    def close(self) -> None:
        """Close the file. What is recorded later is left out, as if the process had been killed.

        A request is not: it is an error, so that nothing is created that is not in the journal.
        """
        self._file.close()

    def _update(self, assignments: str, position: int, *values: object) -> None:
        update = f"update runs set {assignments} where position = ?"
        self._file.execute(update, (*values, position), unless_closed=True)

    def _select(self, condition: str, value: object) -> list[Row]:
        return self._file.execute(f"select {_COLUMNS} from runs where {condition}", (value,))

    def _parse(self, row: Row) -> Entry:
        try:
            return _parse_row(row)
        except ValueError as error:
            raise JournalError(
                f"Row {row[0]} of the journal {self._file.path} is damaged: {error}.",
                hint="To create its prediction again, take another journal for its input.",
            ) from error


def _prepare(connection: Connection) -> None:
    connection.execute(_CREATE_TABLE)
    columns = {row[1] for row in connection.execute("pragma table_info(runs)")}
    for column in _ADDED_COLUMNS:
        if column.split()[0] not in columns:
            connection.execute(f"alter table runs add column {column}")
    connection.execute(_INDEX_UNFINISHED)


def _parse_row(row: Row) -> Entry:
    """Return a row as an entry.

    Raises:
        ValueError: It is not what this module has written.
    """
    position, key, requested_at, prediction_id, ended, evidence, result = row
    if not isinstance(key, str) or not isinstance(requested_at, float):
        raise ValueError("its key or its time is missing")
    if prediction_id is not None and not isinstance(prediction_id, str):
        raise ValueError("the id of its prediction is not a text")
    return Entry(
        position,
        key,
        requested_at,
        prediction_id,
        _parse_object(ended, "prediction"),
        _parse_object(evidence, "evidence"),
        _parse_object(result, "result"),
    )


def _parse_object(text: object, what: str) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value: object = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"its {what} is not JSON, but {excerpt(str(text))}")
    return value
