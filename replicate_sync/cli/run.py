"""`replicate-sync run`: a model, its inputs, and what it gives."""

from __future__ import annotations

from typing import Any

import click

from ..client import Replicate
from ..deadlines import Deadline
from ..predictions import Prediction
from . import values
from .calling import calling, inputs_of, model_argument, progress_option, result_of, timeout_option, wants_progress
from .results import document, files_in, give, told


@click.command(short_help="Run a model, and write its result.")
@model_argument
@click.option("-i", "--input", "words", multiple=True, metavar="NAME=VALUE", help="One input; may be given many times.")
@click.option("--input-json", metavar="FILE", help="A file with all inputs as a JSON object, - for stdin; -i wins over it.")
@click.option("-o", "--out", metavar="PATH", help="Save the result: a file, or a folder, which ends with a slash.")
@click.option("--stream", is_flag=True, help="Write the text as it comes.")
@click.option("--no-wait", is_flag=True, help="Only start it, and write its id.")
@timeout_option
@progress_option
@calling
def run(
    client: Replicate,
    as_json: bool,
    model: str,
    words: tuple[str, ...],
    input_json: str | None,
    out: str | None,
    stream: bool,
    no_wait: bool,
    timeout: float | None,
    progress: bool | None,
) -> None:
    """Run MODEL, wait for its result, and write that to stdout.

    MODEL is owner/name, owner/name:version or a version id; `models show` tells what it takes.

    \b
      replicate-sync run replicate/hello-world -i text=Alice
      replicate-sync run black-forest-labs/flux-schnell -i prompt="a lighthouse" -i num_outputs=2 -o out/

    A VALUE is read as the model takes it: a text as it stands, anything else as JSON; an input that is a list may be given
    several times. @path is a file (for an input that is text: the text in it), @- is stdin, and @@ begins a text with @.
    The inputs are checked before anything runs.

    A text is written as it is, files as their addresses, which last an hour, all else as JSON. With -o the result is saved,
    and its paths are written. With --json, one line: {"id", "model", "version", "status", "output", "metrics", "url"}.
    Ctrl-C cancels the run.
    """
    _refuse_at_odds(stream=stream, no_wait=no_wait, out=out)
    bars = wants_progress(progress) and not stream and not no_wait
    given = _read(client, model, words, input_json)
    limit = Deadline(timeout)
    # A held back answer spares a request, and would hide how far the model is.
    hold = None if stream or no_wait or bars else True
    more: dict[str, Any] = {"deadline": limit, "cancel_on_exit": not no_wait, "progress": bars}
    prediction = client.predictions.create(model, given, wait=hold, **more)
    if no_wait:
        click.echo(document(prediction, None) if as_json else prediction.id)
    elif stream:
        told(prediction.stream(deadline=limit), as_json)
    else:
        finish(client, prediction, limit, out, as_json=as_json, bars=bars)


def finish(
    client: Replicate, prediction: Prediction, limit: Deadline, out: str | None, *, as_json: bool, bars: bool
) -> None:
    """Wait for a prediction, and write its result."""
    prediction.wait(deadline=limit, progress=bars)
    if out is None and any(file.url.startswith("data:") for file in files_in(result_of(client, prediction))):
        prediction.reload()  # the answer that was waited for has small files in it, any other their addresses
    give(prediction, result_of(client, prediction), out, as_json=as_json, progress=bars)


def _refuse_at_odds(*, stream: bool, no_wait: bool, out: str | None) -> None:
    if no_wait and (stream or out is not None):
        raise click.UsageError("--no-wait gives an id and no result: leave out --stream and -o, and see `predictions wait`.")
    if stream and out is not None:
        raise click.UsageError("--stream writes to stdout: leave out -o.")
    if no_wait and click.get_current_context().params["local"]:
        raise click.UsageError("--no-wait with --local runs nothing, as the local server ends with this command.")


def _read(client: Replicate, model: str, words: tuple[str, ...], input_json: str | None) -> dict[str, Any]:
    if (input_json == "-") + sum(word.endswith("=@-") for word in words) > 1:
        raise click.UsageError("stdin can be read only once.")
    inputs = inputs_of(client, model)
    whole = {}
    if input_json is not None:
        text = values.file_text(input_json, "--input-json")
        whole = values.document(values.parsed(text, "--input-json"), inputs)
    return {**whole, **values.pairs(words, inputs)}
