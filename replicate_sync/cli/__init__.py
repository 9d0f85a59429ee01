"""The command `replicate-sync`: what the library does, from a shell. It owns click.

Results go to stdout, everything else to stderr. There is one module for each command. What several
commands share is here as well: their options and the client (`options`), how inputs are parsed
(`parsing`, `input_files`), how results are written (`output`, `echo`), and how errors become
messages and exit codes (`error_handling`, `error_messages`, `exit_codes`).

Nothing here knows HTTP or reads the text of an error: what a command needs of the library is public
there.
"""

from __future__ import annotations

try:
    import click
except ImportError:
    raise SystemExit("The command replicate-sync needs click: pip install click tqdm") from None

from .._version import __version__
from .chat_command import chat
from .completion_command import completion
from .demo_command import demo
from .error_handling import RootGroup
from .exit_codes import HELP
from .gateway_command import gateway
from .journal_command import journal
from .keep_command import keep
from .map_command import map_
from .models_command import models
from .predictions_command import predictions
from .run_command import run
from .serve_command import serve
from .usage_command import usage

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=RootGroup, context_settings=_SETTINGS, epilog=HELP)
@click.version_option(__version__, prog_name="replicate-sync")
def main() -> None:
    """Run models on Replicate from the shell, or on a local server on this machine.

    The token is taken from REPLICATE_API_TOKEN; with --local none is needed. Results are written to
    stdout, everything else to stderr. Ctrl-C cancels what is running.
    """


for _command in (
    chat,
    run,
    map_,
    journal,
    keep,
    usage,
    models,
    predictions,
    serve,
    demo,
    completion,
):
    main.add_command(_command)
main.add_command(gateway)
