"""`replicate-sync serve`: a local Replicate, for other programs."""

from __future__ import annotations

import signal
import time

import click

from .calling import needing_the_server


@click.command(short_help="Serve a local Replicate until Ctrl-C.")
@click.argument("predictor", required=False)
@click.option("--as", "name", metavar="OWNER/NAME", help="The name of the predictor, or of the Cog server, as a model.")
@click.option("--cog-url", metavar="URL", help="Front a Cog server that runs already, instead of a predictor.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; off this machine it takes --token.")
@click.option("--port", default=5005, show_default=True, help="Where to listen; 0 picks a free port.")
@click.option("--token", help="The API token to accept.  [default: r8_local]")
@click.option("--local", is_flag=True, expose_value=False, hidden=True)  # which it is anyway
def serve(predictor: str | None, name: str | None, cog_url: str | None, host: str, port: int, token: str | None) -> None:
    """Serve a local Replicate until Ctrl-C: the same HTTP API, with stand-in models.

    PREDICTOR is a Cog predictor to serve beside them, without docker: its file and class, such as predict.py:Predictor, or
    a folder whose cog.yaml names it.

    \b
      replicate-sync serve predict.py:Predictor --as me/model
    """
    with needing_the_server():
        from ..server import CogError, LocalServer, loopback
    if not token and not loopback(host):
        raise click.UsageError(f"Whoever reaches {host} could run models here: say with --token what token it takes.")
    if predictor and cog_url:
        raise click.UsageError("Give a predictor or --cog-url, not both.")
    if bool(predictor or cog_url) != bool(name):
        raise click.UsageError("A predictor or --cog-url goes together with --as and its name as a model.")
    server = LocalServer(host, port, token=token or "r8_local")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a model's process is ended in order then, too
    try:
        if name:
            click.echo(f"Starting {name} ...")
            server.cog(name, predictor, url=cog_url)
        server.start()
        click.echo(f"A local Replicate listens at {server.url}. In another terminal:\n")
        click.echo(f"  export REPLICATE_BASE_URL={server.url}\n  export REPLICATE_API_TOKEN={server.token}\n")
        click.echo("Ctrl-C stops it.")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used ({error.strerror}); choose another with --port.") from error
    except CogError as error:
        click.secho(error.output, dim=True, err=True, nl=bool(error.output))
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        server.stop()
        signal.signal(signal.SIGTERM, before)
