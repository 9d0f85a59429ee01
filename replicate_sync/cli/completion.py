"""`replicate-sync completion`: what teaches a shell the commands, options and models."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

_NAME, _VARIABLE = "replicate-sync", "_REPLICATE_SYNC_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Write what teaches your shell to complete.")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def completion(shell: str | None) -> None:
    """Write the script that teaches SHELL to complete commands, options and known models; by default your own shell.

    \b
      bash:  echo 'eval "$(replicate-sync completion bash)"' >> ~/.bashrc
      zsh:   echo 'eval "$(replicate-sync completion zsh)"' >> ~/.zshrc
      fish:  replicate-sync completion fish > ~/.config/fish/completions/replicate-sync.fish
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(shell) if shell in _SHELLS else None
    if kind is None:
        raise click.UsageError(f"Which shell is it? Say {', '.join(_SHELLS[:-1])} or {_SHELLS[-1]}.")
    try:
        script = kind(click.get_current_context().find_root().command, {}, _NAME, _VARIABLE).source()
    except RuntimeError as error:  # a shell that is too old
        raise click.ClickException(str(error)) from error
    click.echo(script)
