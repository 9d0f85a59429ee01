"""`replicate-sync journal`: what is in the journal of a map."""

from __future__ import annotations

import errno
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone

import click

from ..batch.journal import Entry, Journal
from ..batch.journal_states import STATES, state_of
from ..batch.result_shape import paths_in
from ..display.tables import format_table, terminal_width
from ..exceptions import JournalError, excerpt
from .error_messages import show_error
from .exit_codes import FAILED

_DAMAGED = "damaged"


@click.command(short_help="List what is in a journal.")
@click.argument("file", metavar="FILE")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write JSON, for programs; errors as well, to stderr.",
)
def journal(file: str, as_json: bool) -> None:
    """List what is in the journal FILE of a map, without asking Replicate.

    An input is done, or it has failed; it is running if nobody has seen its end; it was requested
    if it is not known whether its prediction was created; it is expired if it made files that were
    not saved, as Replicate keeps them for an hour. `map --retry failed` runs again what failed, and
    `map --retry expired` what is expired.

    With --json, each is a line with what the journal has of it.
    """
    now = time.time()
    counts: Counter[str] = Counter()
    rows: list[tuple[str, ...]] = []
    for entry in _read(file, counts, as_json):
        state = state_of(entry, now)
        counts[state] += 1
        if as_json:
            click.echo(json.dumps(_document(entry, state)))
        else:
            rows.append(_row(entry, state))
    if rows:
        head = ("input", "state", "prediction", "requested (UTC)", "files, or error")
        click.echo(format_table(head, rows, terminal_width()))
    if not as_json:
        summary = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
        click.echo(f"{summary or 'Nothing is in it'}.", err=True)
    if counts[_DAMAGED]:
        click.get_current_context().exit(FAILED)


def _read(file: str, counts: Counter[str], as_json: bool) -> Iterator[Entry]:
    """Yield the rows of a journal; damaged ones are named on stderr, and counted."""
    if not os.path.exists(file):
        # It would be created.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
    opened = Journal(file)
    try:
        for entry in opened.entries():
            if isinstance(entry, JournalError):
                counts[_DAMAGED] += 1
                show_error(entry, as_json=as_json)
            else:
                yield entry
    finally:
        opened.close()


def _row(entry: Entry, state: str) -> tuple[str, ...]:
    note = ", ".join(filter(None, paths_in(entry.result)))
    if state == "failed":
        note = excerpt(_error_of(entry) or "")
    return (
        str(entry.position) if entry.position >= 0 else "",
        state,
        entry.id or "",
        _format_time(entry.requested_at).replace("T", " "),
        note,
    )


def _document(entry: Entry, state: str) -> dict[str, object]:
    ended = entry.ended or {}
    return {
        "index": entry.position if entry.position >= 0 else None,
        "state": state,
        "prediction": entry.id,
        "requested_at": _format_time(entry.requested_at),
        "status": ended.get("status"),
        "output": ended.get("output"),
        "error": _error_of(entry),
        "files": paths_in(entry.result),
    }


def _error_of(entry: Entry) -> str | None:
    error = (entry.ended or {}).get("error")
    if error is None or isinstance(error, str):
        return error
    return json.dumps(error)


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
