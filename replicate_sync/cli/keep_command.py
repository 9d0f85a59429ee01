"""`replicate-sync keep`: the files of recent predictions, before Replicate deletes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from ..client import Replicate
from ..exceptions import ReplicateError
from ..payloads.file_names import numbered_name
from ..payloads.file_output import FileOutput
from ..payloads.result_files import Saver, find_files
from ..payloads.saving import expanded, make_folder
from ..prediction.prediction import Prediction
from .error_messages import show_error
from .exit_codes import SOME_FAILED
from .options import api_command
from .since import api_time, since_option


@click.command(short_help="Save the files that recent predictions made.")
@click.argument("folder", metavar="FOLDER")
@since_option("1h")
@api_command
def keep(client: Replicate, as_json: bool, folder: str, since: datetime) -> None:
    """Save in FOLDER what the account's recent predictions made.

    Replicate deletes output files an hour after they were made. Each is saved as ID-NAME, with the
    id of its prediction, and its path is written; one that is there already is left as it is, so
    that the command may be run again and again. With --json, a line {"id", "url", "path"} for each.

    A file that cannot be downloaded any more does not stop the others; the exit code is 5 then.
    """
    target = make_folder(Path(expanded(folder, "FOLDER")))
    saver = Saver(folder)
    failure_count = 0
    for prediction in client.predictions.list(created_after=api_time(since)):
        if prediction.status != "succeeded":
            continue
        try:
            for file in _files(prediction):
                # One that is there already was saved by an earlier run.
                path = target / numbered_name(f"{prediction.id}-{file.name}", 0)
                saver.save([file], prediction.id, [str(path)])
                if file.path is not None:
                    path = target / file.path.name  # relative, where the folder is
                if as_json:
                    url = None if file.url.startswith("data:") else file.url
                    document = {"id": prediction.id, "url": url, "path": str(path)}
                    click.echo(json.dumps(document))
                else:
                    click.echo(str(path))
        except ReplicateError as error:
            failure_count += 1
            # As an error of its own: to the shell, what is not found is otherwise a wrong id.
            message = f"A file of {prediction.id} could not be saved. {error.message}"
            not_saved = ReplicateError(message, hint=error.hint)
            not_saved.prediction = prediction
            show_error(not_saved, as_json=as_json)
    if failure_count:
        click.get_current_context().exit(SOME_FAILED)


def _files(prediction: Prediction) -> Iterator[FileOutput]:
    """Yield the files of a prediction, as the API lists it or, where that has no output, anew."""
    if "output" not in prediction.raw and not prediction.data_removed:
        prediction.reload()
    yield from find_files(prediction.parse_output())
