"""The command `replicate-sync`: what the library does, from a shell. It owns click.

Results go to stdout, everything else to stderr. There is one module for each command. What several
commands share is here as well: their options and the client (`options`), how inputs are parsed
(`parsing`, `input_files`), how results are written (`output`, `echo`), and how errors become
messages and exit codes (`error_handling`, `error_messages`, `exit_codes`).

Nothing here knows HTTP or reads the text of an error: what a command needs of the library is public
there.
"""

from __future__ import annotations

from importlib import import_module

try:
    import click
except ImportError:
    raise SystemExit("The command replicate-sync needs click: pip install click tqdm") from None

from .._version import __version__
from .error_handling import RootGroup
from .exit_codes import HELP

# The commands, each with the name of its function in the module that is named for it.
_COMMANDS = {
    "chat": "chat",
    "completion": "completion",
    "demo": "demo",
    "gateway": "gateway",
    "journal": "journal",
    "keep": "keep",
    "map": "map_",
    "models": "models",
    "predictions": "predictions",
    "run": "run",
    "serve": "serve",
    "usage": "usage",
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(RootGroup):
    """Imports a command when it is used: each needs other parts of the library."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".{cmd_name}_command", __package__)
        command: click.Command = getattr(module, _COMMANDS[cmd_name])
        return command


@click.group(cls=_Commands, context_settings=_SETTINGS, epilog=HELP)
@click.version_option(__version__, prog_name="replicate-sync")
def main() -> None:
    """Run models on Replicate from the shell, or on a local server on this machine.

    The token is taken from REPLICATE_API_TOKEN; with --local none is needed. Results are written to
    stdout, everything else to stderr. Ctrl-C cancels what is running.
    """
