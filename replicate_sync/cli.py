"""The command `replicate-sync`: a local Replicate to try things on, and a tour of what the library does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import click
except ImportError:
    raise SystemExit('The command replicate-sync needs click: pip install "replicate-sync[cli]"') from None

from .errors import PredictionFailed
from .homepage import ReplicateHome
from .version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="replicate-sync")
def main() -> None:
    """Run models on Replicate from the shell, or on a Replicate of your own on this machine."""


@main.command()
@click.option("--port", default=5005, show_default=True, help="Where to listen on 127.0.0.1; 0 picks a free port.")
def serve(port: int) -> None:
    """Serve a local Replicate until Ctrl-C: the same HTTP API, with stand-in models."""
    with _needing_the_server():
        from .server import LocalServer
    try:
        server = LocalServer(port=port).start()
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used ({error.strerror}); choose another with --port.") from error
    click.echo(f"A local Replicate listens at {server.url}. In another terminal:\n")
    click.echo(f"  export REPLICATE_BASE_URL={server.url}\n  export REPLICATE_API_TOKEN={server.token}\n")
    click.echo("Ctrl-C stops it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    finally:
        server.stop()


@main.command()
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where the picture goes."
)
def demo(out: Path) -> None:
    """Chat, draw a picture and see a model fail, all on this machine: no token, no network."""
    with _needing_the_server():
        from .offline import LocalReplicate
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


@contextmanager
def _needing_the_server() -> Iterator[None]:
    """End with one sentence where the extra "server" is missing."""
    try:
        yield
    except ImportError as error:
        raise click.ClickException(str(error)) from error
