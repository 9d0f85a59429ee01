"""Builds the site into docs/site; a warning, such as a link to nowhere, is an error.

Run it in the root of a checkout: `python docs/build.py`. It needs the extra "docs".
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from replicate_sync.cli import main as cli

DOCS = Path(__file__).parent
SHELL_PAGE = DOCS / "pages" / "reference" / "shell.md"
INTRODUCTION = """\
# Shell

The command `replicate-sync` needs the extra `cli`. Results go to stdout, and messages to stderr.
"""


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Context]]:
    """Yield the names of a command and of all below it, with their contexts."""
    name = " ".join(path)
    context = click.Context(command, info_name=name, max_content_width=90)
    yield name, context
    if isinstance(command, click.Group):
        for child in sorted(command.list_commands(context)):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, (*path, child))


def shell_reference() -> str:
    """Return the page of the shell's commands, with the help of each."""
    parts = [INTRODUCTION]
    for name, context in commands(cli, ("replicate-sync",)):
        parts.append(f"## {name}\n\n```text\n{context.command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    SHELL_PAGE.write_text(shell_reference(), encoding="utf-8")
    configuration = str(DOCS / "zensical.toml")
    build = ["zensical", "build", "--clean", "--strict", "--config-file", configuration]
    sys.exit(subprocess.run([sys.executable, "-m", *build], check=False).returncode)
