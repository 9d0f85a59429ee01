"""The command `replicate-sync`: what the library does, from a shell.

Results go to stdout and talk goes to stderr. Each command is a module, but for what two of them share: how a client is
opened (`calling`), how inputs are read (`values`) and results written (`results`), and how it all ends (`endings`).
"""

from __future__ import annotations

try:
    import click
except ImportError:
    raise SystemExit('The command replicate-sync needs click: pip install "replicate-sync[cli]"') from None

from ..version import __version__
from .chat import chat
from .completion import completion
from .demo import demo
from .endings import CODES, Shell
from .maps import map_
from .models import models
from .predictions import predictions
from .run import run
from .serve import serve

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Shell, context_settings=_SETTINGS, epilog=CODES)
@click.version_option(__version__, prog_name="replicate-sync")
def main() -> None:
    """Run models on Replicate from the shell, or on a Replicate of your own on this machine.

    The token is read from REPLICATE_API_TOKEN; with --local none is needed. Results go to stdout, talk to stderr.
    Ctrl-C cancels what runs.
    """


for _command in (chat, run, map_, models, predictions, serve, demo, completion):
    main.add_command(_command)
