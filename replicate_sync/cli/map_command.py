"""`replicate-sync map`: a model on many inputs, each paid for once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TextIO

import click

from ..batch.map_options import OnLost, Retry
from ..client import Replicate
from ..exceptions import (
    AuthenticationError,
    InputRejectedError,
    InvalidInputError,
    MapError,
    MissingAuthError,
    ModelNotFoundError,
    PaymentRequiredError,
    ReplicateError,
)
from ..payloads.result_files import replace_files
from .error_messages import describe_error
from .exit_codes import SOME_FAILED
from .input_files import read_inputs
from .options import api_command, model_argument, progress_option, should_show_progress
from .output import to_json
from .parsing import displayable, known_inputs

# Every other input would fail in the same way.
_FATAL = (MissingAuthError, AuthenticationError, ModelNotFoundError, PaymentRequiredError)


@click.command("map", short_help="Run a model on many inputs, each paid for once.")
@model_argument
@click.argument("source", metavar="INPUTS")
@click.option(
    "-o", "--out", metavar="FILE", help="Write the results to this file instead of stdout."
)
@click.option(
    "--journal",
    metavar="FILE",
    help="Remember every run in this file, so that a second start creates nothing twice.",
)
@click.option(
    "--retry",
    type=click.Choice(["failed", "expired"]),
    multiple=True,
    help="Run again what failed, or whose output was removed, according to the journal.",
)
@click.option(
    "--on-lost",
    type=click.Choice(["raise", "again"]),
    default="raise",
    show_default=True,
    help=(
        "Where nothing proves whether a prediction was created before the command was killed: "
        "write an error for its input, or create it again."
    ),
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="How many run at a time.",
)
@click.option("--files", "folder", metavar="FOLDER", help="Save files here, and write their paths.")
@progress_option
@api_command
def map_(
    client: Replicate,
    as_json: bool,
    model: str,
    source: str,
    out: str | None,
    journal: str | None,
    retry: tuple[Retry, ...],
    on_lost: OnLost,
    concurrency: int,
    folder: str | None,
    progress: bool | None,
) -> None:
    """Run MODEL on every input in INPUTS, and write a line of JSON for each, in their order.

    INPUTS are JSON lines, a CSV file whose first row names the inputs, or - for JSON lines on
    stdin. Cells are parsed as `run` parses values, @path for a file included, and empty ones are
    left out; in JSON, "@path" is a file where the model takes one. All of them are validated before
    anything runs.

    Files are written as URLs, which last an hour, or as data URIs if they are small; with --files
    they are saved, and written as paths.

    A line is {"index": 0, "input": {…}, "output": …}, or {"index": 0, "input": {…}, "error":
    {"type", "message", "prediction"}}. An input that fails does not stop the others; the exit code
    is 5 then.

    With --journal, a map that was stopped or killed continues when it is started again with the
    same inputs and journal: nothing is created or paid for twice, and all results are written
    again. Ctrl-C leaves what is running, to be fetched then; without a journal it cancels that.
    What failed has failed in the journal, too, and --retry failed runs it again; `replicate-sync
    journal` lists what is in a journal.
    """
    if out is not None and source != "-" and os.path.exists(out) and os.path.samefile(out, source):
        raise click.UsageError("INPUTS and -o are the same file.")
    given = read_inputs(source, known_inputs(client, model))
    results = client.map(
        model,
        given,
        concurrency=concurrency,
        on_error="return",
        journal=journal,
        retry=retry,
        on_lost=on_lost,
        save=folder,
        progress=_should_show_progress(progress, out),
    )
    failure_count = 0
    with closing(results), _line_writer(out) as write_line:
        for index, result in _numbered(results):
            outcome = _outcome(result)
            if "error" in outcome:
                failure_count += 1
            write_line(to_json({"index": index, "input": displayable(given[index]), **outcome}))
    if failure_count:
        message = f"{failure_count} of {len(given)} inputs failed; their lines have an error."
        click.echo(message, err=True)
        click.get_current_context().exit(SOME_FAILED)


def _numbered(results: Iterator[object]) -> Iterator[tuple[int, object]]:
    """Yield results with their positions; also those that an error brings which ends the map."""
    position = -1
    try:
        for position, result in enumerate(results):
            yield position, result
    except MapError as error:
        for later in sorted(error.results):
            if later > position:
                yield later, error.results[later]
        raise


def _should_show_progress(progress: bool | None, out: str | None) -> bool:
    # Progress bars and lines on one terminal would overwrite each other.
    is_mixed = out is None and sys.stdout.isatty()
    return should_show_progress(progress) and (bool(progress) or not is_mixed)


def _outcome(result: object) -> dict[str, object]:
    """Return what a line says of the result of one input.

    Raises:
        ReplicateError: It failed for a reason that is not its own.
    """
    if isinstance(result, ReplicateError):
        if isinstance(result, _FATAL) or _is_local_mistake(result):
            raise result
        return {"error": describe_error(result)}
    return {"output": replace_files(result, lambda file: file.path or file.url)}


def _is_local_mistake(error: ReplicateError) -> bool:
    """Return whether nothing was sent: the inputs have been validated, so it is the journal."""
    return isinstance(error, InvalidInputError) and not isinstance(error, InputRejectedError)


@contextmanager
def _line_writer(out: str | None) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes a line to a file, or to stdout.

    A file is opened at once, so that one that cannot be written is an error before anything runs.
    """
    if out is None:
        yield click.echo
        return
    with open(out, "a", encoding="utf-8") as file:
        lines = _LineFile(file)
        yield lines.write
        lines.close()


class _LineFile:
    """A file of results, written line by line as people look into it while the map goes on.

    What the file contained before is kept until the first result is there.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._has_old_content = True

    def write(self, line: str) -> None:
        """Write a line, at once."""
        self._clear()
        self._file.write(f"{line}\n")
        self._file.flush()

    def close(self) -> None:
        """Remove the old content, also if there was no result."""
        self._clear()

    def _clear(self) -> None:
        if self._has_old_content:
            self._file.truncate(0)
            self._has_old_content = False
