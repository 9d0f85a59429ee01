"""The options of a map, validated before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from typing import Literal, NamedTuple

from ..exceptions import InvalidInputError
from ..payloads.saving import expanded
from ..prediction.create_options import one_or_several

OnError = Literal["raise", "return"]
OnLost = Literal["raise", "again"]
Retry = Literal["failed", "expired"]

_StrPath = str | os.PathLike[str]


class JournalOptions(NamedTuple):
    """How a journal is used.

    Attributes:
        path: The file.
        creates_lost: Whether to create again where it is not known whether a prediction was
            created.
        retry: The states of the journal that are run again.
    """

    path: str
    creates_lost: bool = False
    retry: frozenset[str] = frozenset()


def journal_options(
    path: _StrPath | None, on_lost: str, retry: str | Iterable[str] | None
) -> JournalOptions | None:
    """Return the options of a journal, or None without one.

    Raises:
        InvalidInputError: One of them is wrong.
    """
    if on_lost not in ("raise", "again"):
        raise InvalidInputError(f"on_lost must be 'raise' or 'again', not {on_lost!r}.")
    states = one_or_several(() if retry is None else retry)
    unknown = [state for state in states if state not in ("failed", "expired")]
    if unknown:
        raise InvalidInputError(f"retry takes 'failed' and 'expired', not {unknown[0]!r}.")
    if path is not None:
        states_to_run = frozenset(map(str, states))
        return JournalOptions(_journal_path(path), on_lost == "again", states_to_run)
    if states:
        raise InvalidInputError("retry= needs a journal=, which knows what to run again.")
    return None


def validate_window(
    inputs: object, concurrency: int, on_error: str, executor: Executor | None
) -> None:
    """Raise what is wrong with the arguments of a window.

    Raises:
        InvalidInputError: One of them is wrong.
    """
    is_one = isinstance(inputs, Mapping | str | bytes)
    if is_one or not (isinstance(inputs, Iterable) or hasattr(inputs, "__getitem__")):
        raise InvalidInputError(
            "inputs must be several inputs, such as [{'prompt': '…'}, {'prompt': '…'}], "
            f"not {type(inputs).__name__}."
        )
    is_number = isinstance(concurrency, int) and not isinstance(concurrency, bool)
    if not is_number or concurrency < 1:
        raise InvalidInputError(f"concurrency must be a number of 1 or more, not {concurrency!r}.")
    if on_error not in ("raise", "return"):
        raise InvalidInputError(f"on_error must be 'raise' or 'return', not {on_error!r}.")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidInputError("executor must be a concurrent.futures.Executor.")


def _journal_path(path: _StrPath) -> str:
    text = expanded(path, "journal")
    # By these, SQLite means a database that is gone with the process.
    if text in ("", ":memory:"):
        raise InvalidInputError(f"journal must be the path of a file, not {path!r}.")
    return os.path.abspath(text)  # opened again after a fork, wherever the program is then
