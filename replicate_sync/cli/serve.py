"""`replicate-sync serve`: a local Replicate, for other programs."""

from __future__ import annotations

import time

import click

from .calling import needing_the_server


@click.command(short_help="Serve a local Replicate until Ctrl-C.")
@click.option("--port", default=5005, show_default=True, help="Where to listen on 127.0.0.1; 0 picks a free port.")
@click.option("--local", is_flag=True, expose_value=False, hidden=True)  # which it is anyway
def serve(port: int) -> None:
    """Serve a local Replicate until Ctrl-C: the same HTTP API, with stand-in models."""
    with needing_the_server():
        from ..server import LocalServer
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
