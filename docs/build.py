"""Builds the site into docs/site; a warning, such as a link to nowhere, is an error.

Run it in the root of a checkout: `python docs/build.py`. It needs the extra "docs".
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import click

from replicate_sync.cli import main as cli

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGES = DOCS / "pages"
SHELL_PAGE = PAGES / "reference" / "shell.md"
DIAGRAM = DOCS / "layers.html"
PLOT = PAGES / "assets" / "benchmarks.svg"
WIDTH, ROW, GAP = 640, 34, 14  # of the diagram, in pixels
IN_A_ROW = 3
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


def layers() -> list[list[str]]:
    """Return the names of the packages in each layer, from the top down."""
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = configuration["importlinter:contract:layers"]["layers"].split("\n")
    rows = [[name.strip() for name in line.split("|")] for line in lines if line.strip()]
    return [[name for name in row if not name.startswith("_")] for row in rows[1:]]


def diagram() -> str:
    """Return a drawing of the layers; each imports only from those below it."""
    parts: list[str] = []
    top = 0
    for names in layers():
        if parts:
            parts.append(f'<path d="M{WIDTH // 2} {top + 1}v10m-4 -4l4 4l4 -4"/>')
            top += GAP
        for start in range(0, len(names), IN_A_ROW):
            parts += boxes(names[start : start + IN_A_ROW], top)
            top += ROW
    title = "The packages in their layers: imports point downwards"
    return (
        f'<svg class="layers" viewBox="-1 -1 {WIDTH + 2} {top + 2}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg>'
    )


def boxes(names: list[str], top: int) -> list[str]:
    """Return the boxes of one row, side by side."""
    width = WIDTH // len(names)
    return [
        f'<rect x="{place * width}" y="{top}" width="{width}" height="{ROW}"/>'
        f'<text x="{place * width + width // 2}" y="{top + 22}">{name}</text>'
        for place, name in enumerate(names)
    ]


if __name__ == "__main__":
    SHELL_PAGE.write_text(shell_reference(), encoding="utf-8")
    DIAGRAM.write_text(f"<div>{diagram()}</div>\n", encoding="utf-8")
    shutil.copy(ROOT / "benchmarks" / "results.svg", PLOT)
    configuration = str(DOCS / "zensical.toml")
    build = ["zensical", "build", "--clean", "--strict", "--config-file", configuration]
    sys.exit(subprocess.run([sys.executable, "-m", *build], check=False).returncode)
