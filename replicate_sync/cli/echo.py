"""Writes what a model may have written: click's `echo` for text from elsewhere."""

from __future__ import annotations

import sys

import click

from ..display.terminal import text_for


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Write a text to stdout: unchanged to a file or a pipe, harmless to a terminal.

    Args:
        text: The text.
        nl: Whether to end the line.
        err: Whether to write to stderr instead.
    """
    stream = sys.stdout
    if err:
        stream = sys.stderr
    # Without a color of its own, click would remove escape sequences from what is piped.
    click.echo(text_for(stream, text), nl=nl, err=err, color=True)
