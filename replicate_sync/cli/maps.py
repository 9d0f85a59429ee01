"""`replicate-sync map`: a model on many inputs, each paid for once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from ..client import Replicate
from ..errors import (
    AuthenticationError,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    PaymentRequiredError,
    ReplicateError,
)
from ..files import FileOutput
from . import batches
from .calling import calling, inputs_of, model_argument, progress_option, wants_progress
from .endings import SOME_FAILED, described
from .results import dumped, replaced
from .values import written

# What one input met, every other would meet.
_FOR_ALL = (MissingAuthError, AuthenticationError, ModelNotFoundError, PaymentRequiredError)


@click.command("map", short_help="Run a model on many inputs, each paid for once.")
@model_argument
@click.argument("source", metavar="INPUTS")
@click.option("-o", "--out", metavar="FILE", help="Where the results go; by default to stdout.")
@click.option("--journal", metavar="FILE", help="Remember every run here, so that a second start creates nothing twice.")
@click.option("--concurrency", type=click.IntRange(min=1), default=8, show_default=True, help="How many run at a time.")
@click.option("--files", "folder", metavar="FOLDER", help="Save files here, and give their paths.")
@progress_option
@calling
def map_(
    client: Replicate,
    as_json: bool,
    model: str,
    source: str,
    out: str | None,
    journal: str | None,
    concurrency: int,
    folder: str | None,
    progress: bool | None,
) -> None:
    """Run MODEL on every input in INPUTS, and write a line of JSON for each, in their order.

    INPUTS are JSON lines, a CSV file whose first row names the inputs, or - for JSON lines on stdin. Cells are read as
    `run` reads values, @path for a file too, and empty ones are left out; in JSON, "@path" is a file where the model takes
    one. All of them are checked before anything runs.

    Files are addresses, which last an hour, or, small ones, data URIs; with --files they are saved, and are paths.

    A line is {"index": 0, "input": {…}, "output": …}, or {"index": 0, "input": {…}, "error": {"type", "message",
    "prediction"}}. An input that fails does not stop the others; the exit code is 5 then.

    With --journal, a map that was stopped or killed goes on where it was when it is started again with the same inputs and
    journal: nothing is created or paid for twice, and all results are written anew. Ctrl-C leaves running what runs, to be
    fetched then; without a journal it cancels that. What failed has failed in the journal,
    too; a new journal tries it again.
    """
    if out is not None and source != "-" and os.path.exists(out) and os.path.samefile(out, source):
        raise click.UsageError("INPUTS and -o are the same file.")
    # Bars and lines on one terminal would write over each other.
    bars = wants_progress(progress) and (progress or out is not None or not sys.stdout.isatty())
    given = batches.read(source, inputs_of(client, model))
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    failed = 0
    results = client.map(model, given, concurrency=concurrency, on_error="return", journal=journal, progress=bool(bars))
    with closing(results), _lines(out) as write:
        for index, (result, one) in enumerate(zip(results, given, strict=True)):
            found = _outcome(result, folder, index)
            failed += "error" in found
            write(dumped({"index": index, "input": written(one), **found}))
    if failed:
        click.echo(f"{failed} of {len(given)} inputs failed; their lines have an error.", err=True)
        click.get_current_context().exit(SOME_FAILED)


def _outcome(result: Any, folder: str | None, index: int) -> dict[str, Any]:
    """Give what a line says of one input's result; raise an error that is not this input's alone."""
    if isinstance(result, ReplicateError):
        # Every input was checked before, so what is wrong here and now is the journal.
        if isinstance(result, _FOR_ALL) or (isinstance(result, InvalidInputError) and result.status_code is None):
            raise result
        return {"error": described(result)}
    if folder is None:
        return {"output": result}
    try:
        return {"output": replaced(result, lambda file: _kept(file, Path(folder), index))}
    except ReplicateError as error:
        return {"error": described(error)}


def _kept(file: FileOutput, folder: Path, index: int) -> Path:
    """Save a file under a name that no other has, and fetch it only once: when a map goes on, its address may be gone."""
    name, mark = Path(file.name), sha256(file.url.encode()).hexdigest()[:8]
    path = folder / f"{index}-{name.stem}-{mark}{name.suffix}"
    return path if path.exists() else file.save(path)


@contextmanager
def _lines(out: str | None) -> Iterator[Callable[[str], object]]:
    """Give what writes a line where the results go.

    A file is written line by line under its own name, for people look into it while the map goes on. That it can be written
    is known before anything runs; what stood in it before goes only when the first result is there.
    """
    if out is None:
        yield click.echo
        return
    with open(out, "a", encoding="utf-8") as file:
        fresh = False

        def write(line: str) -> None:
            nonlocal fresh
            if not fresh:
                file.truncate(0)
                fresh = True
            file.write(f"{line}\n")
            file.flush()

        yield write
        if not fresh:
            file.truncate(0)
