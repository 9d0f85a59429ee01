"""`replicate-sync demo`: what the library does, shown on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exceptions import PredictionFailed
from ..homepage import ReplicateHome
from .options import local_flag, require_extra

if TYPE_CHECKING:
    from ..offline import LocalReplicate


@click.command(short_help="See a chat, a picture and a failure.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder for the picture.",
)
@local_flag
def demo(out: Path) -> None:
    """Chat, make a picture and see a model fail, all on this machine: no token, no network."""
    with require_extra():
        from ..offline import LocalReplicate
    out.mkdir(parents=True, exist_ok=True)
    with _timed("A local server was started"):
        client = LocalReplicate()
    with client:
        _show_chat(client)
        _show_picture(client, out)
        _show_failure(client)
    click.echo(
        '\nThe same calls reach Replicate itself: client = replicate_sync.Replicate("your token").'
    )


def _show_chat(client: LocalReplicate) -> None:
    click.secho('\nclient.chat("Tell me about rivers.")', bold=True)
    with _timed("\nThe stand-in model streamed its text"):
        for text in client.chat("Tell me about rivers.", max_tokens=60):
            click.echo(text, nl=False)


def _show_picture(client: LocalReplicate, folder: Path) -> None:
    click.secho('\nhome.image("a lighthouse at dusk")', bold=True)
    home = ReplicateHome(api_key=client.server.token, base_url=client.server.url, proxy="")
    with _timed("The picture was made and saved"):
        path = home.image("a lighthouse at dusk").save(folder / "lighthouse.webp")
    click.echo(f"{path} ({path.stat().st_size:,} bytes)")


def _show_failure(client: LocalReplicate) -> None:
    click.secho('\nclient.run("local/always-fails")', bold=True)
    with _timed("The failure was raised"):
        try:
            client.run("local/always-fails")
        except PredictionFailed as error:
            click.secho(f"{type(error).__name__}: {error}", fg="red")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    click.secho(f"{what} in {time.perf_counter() - start:.2f} s.", dim=True)
