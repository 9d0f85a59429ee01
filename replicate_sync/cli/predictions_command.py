"""`replicate-sync predictions`: what has been started."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from ..client import Replicate
from ..deadline import Deadline
from ..display.logs import last_lines
from ..display.tables import format_table, terminal_width
from ..exceptions import excerpt
from ..payloads.result_files import find_files
from ..prediction.prediction import Prediction
from .echo import echo
from .options import (
    api_command,
    limit_option,
    out_option,
    progress_option,
    should_show_progress,
    timeout_option,
)
from .output import to_json
from .run_command import wait_and_write

_LOG_LINES = 10


@click.group()
def predictions() -> None:
    """List, show, wait for and cancel predictions.

    With --local there are none: that server begins and ends with each command. For one that stays,
    see `serve`.
    """


@predictions.command("list")
@limit_option
@api_command
def list_(client: Replicate, as_json: bool, limit: int) -> None:
    """List the account's predictions, newest first.

    With --json, each is a line with everything that the API says of it.
    """
    listed = client.predictions.list(limit=limit)
    if as_json:
        for prediction in listed:
            echo(json.dumps(prediction.raw))
        return
    rows = [_row(prediction) for prediction in listed]
    if not rows:
        echo("There are no predictions.", err=True)
        return
    head = ("id", "model", "status", "created (UTC)", "seconds")
    echo(format_table(head, rows, terminal_width()))


@predictions.command()
@click.argument("prediction_id", metavar="ID")
@api_command
def show(client: Replicate, as_json: bool, prediction_id: str) -> None:
    """Show the prediction ID: status, times, input, output, error, the end of its logs, and page.

    With --json, everything that the API says of it.
    """
    prediction = client.predictions.get(prediction_id)
    if as_json:
        echo(json.dumps(prediction.raw))
        return
    facts = _facts(prediction)
    width = max(map(len, facts)) + 2
    for name, fact in facts.items():
        label = name
        for line in fact.splitlines():
            echo(f"{label:{width}}{line}")
            label = ""


@predictions.command()
@click.argument("prediction_id", metavar="ID")
@out_option
@timeout_option
@progress_option
@api_command
def wait(
    client: Replicate,
    as_json: bool,
    prediction_id: str,
    out: str | None,
    timeout: float | None,
    progress: bool | None,
) -> None:
    """Wait for the prediction ID, and write its result as `run` does.

    Ctrl-C cancels it, as in `run`; --timeout leaves it running.
    """
    deadline = Deadline(timeout)
    wait_and_write(
        client.predictions.get(prediction_id),
        deadline,
        out,
        as_json=as_json,
        progress=should_show_progress(progress),
    )


@predictions.command()
@click.argument("prediction_id", metavar="ID")
@api_command
def cancel(client: Replicate, as_json: bool, prediction_id: str) -> None:
    """Cancel the prediction ID, and write its status. One that has ended stays as it is.

    With --json, everything that the API says of it.
    """
    prediction = client.predictions.cancel(prediction_id)
    if as_json:
        echo(json.dumps(prediction.raw))
    else:
        echo(prediction.status)


def _row(prediction: Prediction) -> tuple[str, str, str, str, str]:
    return (
        prediction.id,
        prediction.model or prediction.version or "",
        prediction.status,
        _format_time(prediction.created_at),
        _format_seconds(prediction.predict_time),
    )


def _facts(prediction: Prediction) -> dict[str, str]:
    return {
        "id": prediction.id,
        "model": prediction.model or prediction.version or "",
        "status": prediction.status,
        "created": _format_time(prediction.created_at),
        "started": _format_time(prediction.started_at),
        "completed": _format_time(prediction.completed_at),
        "seconds": _format_seconds(prediction.predict_time),
        "page": str(prediction.urls.get("web") or ""),
        "input": _format_input(prediction.input),
        "output": _format_output(prediction),
        "error": prediction.error or "",
        "logs": last_lines(prediction.logs, _LOG_LINES),
    }


def _format_input(given: Mapping[str, object]) -> str:
    lines = []
    for name, value in given.items():
        text = value
        if not isinstance(text, str):
            text = to_json(text)
        lines.append(f"{name}: {excerpt(text)}")
    return "\n".join(lines)


def _format_output(prediction: Prediction) -> str:
    if prediction.output is None:
        if prediction.data_removed:
            return "It was removed: Replicate keeps it for an hour."
        return ""
    result = prediction.parse_output()
    if isinstance(result, str):
        return result
    files = find_files(result)
    if files and isinstance(result, list):
        return "\n".join(map(str, files))
    return to_json(result)


def _format_time(text: str | None) -> str:
    """Return a time of the API, which is in UTC, to the second."""
    return (text or "")[:19].replace("T", " ")


def _format_seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"
