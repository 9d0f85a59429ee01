"""`replicate-sync predictions`: those that have been started."""

from __future__ import annotations

import json
from typing import Any

import click

from ..client import Replicate
from ..deadlines import Deadline
from ..errors import quoted
from ..logs import end_of
from ..predictions import Prediction
from .calling import calling, progress_option, result_of, timeout_option, wants_progress
from .results import dumped, files_in
from .run import finish
from .tables import table

_LOG_LINES = 10  # the last ones


@click.group()
def predictions() -> None:
    """See, wait for and cancel what has been started.

    With --local there is nothing to see: that server begins and ends with each command. For one that stays, see `serve`.
    """


@predictions.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@calling
def list_(client: Replicate, as_json: bool, limit: int) -> None:
    """List the account's predictions, newest first.

    With --json, a line for each, with all that the API tells of it.
    """
    found = client.predictions.list(limit=limit)
    if as_json:
        for one in found:
            click.echo(json.dumps(one.raw))
        return
    rows = [(one.id, one.model or one.version or "", one.status, _moment(one.created_at), _seconds(one)) for one in found]
    if not rows:
        click.echo("There are no predictions.", err=True)
        return
    click.echo(table(("id", "model", "status", "created (UTC)", "seconds"), rows))


@predictions.command()
@click.argument("id")
@calling
def show(client: Replicate, as_json: bool, id: str) -> None:
    """Show the prediction ID: its status, times, input, output, error, the end of its logs, and its page.

    With --json, all that the API tells of it.
    """
    found = client.predictions.get(id)
    if as_json:
        click.echo(json.dumps(found.raw))
        return
    facts = {
        "id": found.id,
        "model": found.model or found.version,
        "status": found.status,
        "created": _moment(found.created_at),
        "started": _moment(found.started_at),
        "completed": _moment(found.completed_at),
        "seconds": _seconds(found),
        "page": found.urls.get("web"),
        "input": "\n".join(f"{name}: {_short(value)}" for name, value in found.input.items()),
        "output": _output(client, found),
        "error": found.error,
        "logs": end_of(found.logs, _LOG_LINES),
    }
    width = max(map(len, facts)) + 2
    for name, fact in facts.items():
        for line in str(fact or "").splitlines():
            click.echo(f"{name:{width}}{line}")
            name = ""


@predictions.command()
@click.argument("id")
@click.option("-o", "--out", metavar="PATH", help="Save the result: a file, or a folder, which ends with a slash.")
@timeout_option
@progress_option
@calling
def wait(client: Replicate, as_json: bool, id: str, out: str | None, timeout: float | None, progress: bool | None) -> None:
    """Wait for the prediction ID, and write its result as `run` does.

    Ctrl-C cancels it, as it does in `run`; --timeout leaves it running.
    """
    limit = Deadline(timeout)
    finish(client, client.predictions.get(id), limit, out, as_json=as_json, bars=wants_progress(progress))


@predictions.command()
@click.argument("id")
@calling
def cancel(client: Replicate, as_json: bool, id: str) -> None:
    """Cancel the prediction ID, and write its status then. One that has ended stays as it is.

    With --json, all that the API tells of it.
    """
    found = client.predictions.cancel(id)
    click.echo(json.dumps(found.raw) if as_json else found.status)


def _output(client: Replicate, prediction: Prediction) -> str | None:
    if prediction.output is None:
        return "It was removed: Replicate keeps it for an hour." if prediction.data_removed else None
    result = result_of(client, prediction)
    files = files_in(result)
    if isinstance(result, str):
        return result
    return "\n".join(map(str, files)) if files and isinstance(result, list) else dumped(result)


def _moment(text: str | None) -> str:
    """Write a time of the API, which is one of UTC, to the second."""
    return (text or "")[:19].replace("T", " ")


def _seconds(prediction: Prediction) -> str:
    return "" if prediction.predict_time is None else f"{prediction.predict_time:.2f}"


def _short(value: Any) -> str:
    return quoted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
