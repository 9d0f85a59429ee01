"""`replicate-sync run`: one run of a model."""

from __future__ import annotations

import click

from ..client import Replicate
from ..deadline import Deadline
from ..payloads.result_files import find_files
from ..prediction.prediction import Prediction
from .echo import echo
from .options import (
    api_command,
    model_argument,
    out_option,
    progress_option,
    should_show_progress,
    timeout_option,
)
from .output import prediction_json, write_result, write_text
from .parsing import known_inputs, parse_json, parse_object, parse_pairs, read_text


@click.command(short_help="Run a model, and write its result.")
@model_argument
@click.option(
    "-i",
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input of the model; may be given several times.",
)
@click.option(
    "--input-json",
    metavar="FILE",
    help="A file with the inputs as a JSON object, or - for stdin; -i takes precedence.",
)
@out_option
@click.option("--stream", is_flag=True, help="Write the text as it arrives.")
@click.option("--no-wait", is_flag=True, help="Only start it, and write its id.")
@timeout_option
@progress_option
@api_command
def run(
    client: Replicate,
    as_json: bool,
    model: str,
    pairs: tuple[str, ...],
    input_json: str | None,
    out: str | None,
    stream: bool,
    no_wait: bool,
    timeout: float | None,
    progress: bool | None,
) -> None:
    """Run MODEL, wait for its result, and write it to stdout.

    MODEL is owner/name, owner/name:version, a version id or deployments/owner/name; `models show`
    lists its inputs.

    \b
      replicate-sync run replicate/hello-world -i text=Alice
      replicate-sync run black-forest-labs/flux-schnell -i prompt="a lighthouse" -o out/

    A VALUE is parsed as the model takes it: text as it stands, anything else as JSON; an input that
    is a list may be given several times. @path is a file (for an input that is text: the text in
    it), @- is stdin, and @@ begins a text with @. The inputs are validated before anything runs.

    Text is written as it is, files as their URLs, which last an hour, anything else as JSON. With
    -o the result is saved, and its paths are written. With --json, one line:
    {"id", "model", "version", "status", "output", "metrics", "url"}. Ctrl-C cancels the run.
    """  # noqa: D301  # click reads the \b
    _refuse_contradictions(stream=stream, no_wait=no_wait, out=out)
    show_progress = should_show_progress(progress) and not stream and not no_wait
    given = _parse_inputs(client, model, pairs, input_json)
    deadline = Deadline(timeout)
    # A response that is held back spares a request, and would hide the progress.
    may_hold = not (stream or no_wait or show_progress)
    prediction = client.predictions.create(
        model,
        given,
        wait=may_hold,
        deadline=deadline,
        cancel_on_exit=not no_wait,
        progress=show_progress,
    )
    if no_wait and as_json:
        echo(prediction_json(prediction, None))
    elif no_wait:
        echo(prediction.id)
    elif stream:
        write_text(prediction.stream(deadline=deadline), as_json=as_json)
    else:
        wait_and_write(prediction, deadline, out, as_json=as_json, progress=show_progress)


def wait_and_write(
    prediction: Prediction, deadline: Deadline, out: str | None, *, as_json: bool, progress: bool
) -> None:
    """Wait for a prediction, and write its result.

    Args:
        prediction: The prediction.
        deadline: By when it must have ended.
        out: Where to save the result, if anywhere.
        as_json: Whether to write a JSON document.
        progress: Whether to display progress bars.
    """
    prediction.wait(deadline=deadline, progress=progress)
    result = prediction.parse_output()
    if out is None and any(file.url.startswith("data:") for file in find_files(result)):
        # The response that was held back contains small files; any other has their URLs.
        result = prediction.reload().parse_output()
    write_result(prediction, result, out, as_json=as_json, progress=progress)


def _refuse_contradictions(*, stream: bool, no_wait: bool, out: str | None) -> None:
    if no_wait and (stream or out is not None):
        raise click.UsageError(
            "--no-wait writes an id and no result: leave out --stream and -o, and see "
            "`predictions wait`."
        )
    if stream and out is not None:
        raise click.UsageError("--stream writes to stdout: leave out -o.")
    if no_wait and click.get_current_context().params["local"]:
        raise click.UsageError(
            "--no-wait with --local runs nothing, as the local server ends with this command."
        )


def _parse_inputs(
    client: Replicate, model: str, pairs: tuple[str, ...], input_json: str | None
) -> dict[str, object]:
    uses_of_stdin = sum(pair.endswith("=@-") for pair in pairs)
    if input_json == "-":
        uses_of_stdin += 1
    if uses_of_stdin > 1:
        raise click.UsageError("stdin can be read only once.")
    inputs = known_inputs(client, model)
    given: dict[str, object] = {}
    if input_json is not None:
        text = read_text(input_json, "--input-json")
        given = parse_object(parse_json(text, "--input-json"), inputs)
    return {**given, **parse_pairs(pairs, inputs)}
