"""`replicate-sync completion`: the script that makes a shell complete commands and models."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

_PROGRAM = "replicate-sync"
_VARIABLE = "_REPLICATE_SYNC_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Write the completion script of your shell.")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def completion(shell: str | None) -> None:
    """Write the script with which SHELL completes commands, options and known models.

    By default it is the script of your own shell.

    \b
      bash:  echo 'eval "$(replicate-sync completion bash)"' >> ~/.bashrc
      zsh:   echo 'eval "$(replicate-sync completion zsh)"' >> ~/.zshrc
      fish:  replicate-sync completion fish > ~/.config/fish/completions/replicate-sync.fish
    """  # noqa: D301  # click reads the \b
    shell = shell or Path(os.environ.get("SHELL", "")).name
    completion_class = get_completion_class(shell)
    if completion_class is None or shell not in _SHELLS:
        raise click.UsageError("Which shell is it? Say bash, zsh or fish.")
    root = click.get_current_context().find_root().command
    try:
        script = completion_class(root, {}, _PROGRAM, _VARIABLE).source()
    except RuntimeError as error:  # the shell is too old
        raise click.ClickException(str(error)) from error
    click.echo(script)
