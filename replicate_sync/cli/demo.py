"""`replicate-sync demo`: a tour of what the library does, on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..errors import PredictionFailed
from ..homepage import ReplicateHome
from .calling import needing_the_server


@click.command(short_help="See a chat, a picture and a failure.")
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where the picture goes."
)
@click.option("--local", is_flag=True, expose_value=False, hidden=True)  # which it is anyway
def demo(out: Path) -> None:
    """Chat, draw a picture and see a model fail, all on this machine: no token, no network."""
    with needing_the_server():
        from ..offline import LocalReplicate
    out.mkdir(parents=True, exist_ok=True)
    with _timed("A Replicate of its own was started"):
        client = LocalReplicate()
    with client:
        click.secho('\nclient.chat("Tell me about rivers.")', bold=True)
        with _timed("\nThe stand-in model streamed its text"):
            for text in client.chat("Tell me about rivers.", max_tokens=60):
                click.echo(text, nl=False)
        click.secho('\nhome.image("a lighthouse at dusk")', bold=True)
        home = ReplicateHome(api_key=client.server.token, base_url=client.server.url, proxy="")
        with _timed("The picture was drawn and saved"):
            path = home.image("a lighthouse at dusk").save(out / "lighthouse.webp")
        click.echo(f"{path} ({path.stat().st_size:,} bytes)")
        click.secho('\nclient.run("local/always-fails")', bold=True)
        with _timed("The failure was told"):
            try:
                client.run("local/always-fails")
            except PredictionFailed as error:
                click.secho(f"{type(error).__name__}: {error}", fg="red")
    click.echo('\nThe same calls reach Replicate itself: client = replicate_sync.Replicate("your token").')


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    click.secho(f"{what} in {time.perf_counter() - began:.2f} s.", dim=True)
