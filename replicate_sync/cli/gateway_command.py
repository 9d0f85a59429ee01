"""`replicate-sync gateway`: OpenAI's API in front of Replicate."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

import click

from .options import make_client, require_extra

if TYPE_CHECKING:
    from ..gateway import GatewaySettings


@click.command(short_help="Serve OpenAI's API in front of Replicate until Ctrl-C.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; any other than this machine's needs --key.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5006,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--key",
    envvar="REPLICATE_GATEWAY_KEY",
    show_envvar=True,
    help="The key that clients must send. It is not the token of Replicate.",
)
@click.option(
    "--aliases",
    type=click.Path(exists=True, dir_okay=False),
    help='A TOML file with names for models, such as gpt-4o-mini = "openai/gpt-4o-mini".',
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="An origin whose web pages may use the gateway, such as http://localhost:3000.",
)
@click.option("--local", is_flag=True, help="Serve the models of a local server instead.")
def gateway(
    host: str,
    port: int,
    key: str | None,
    aliases: str | None,
    origins: tuple[str, ...],
    local: bool,
) -> None:
    """Serve OpenAI's API in front of Replicate, for programs that speak only that.

    Chats (whole and streamed, with pictures), pictures, embeddings and transcriptions. A client
    that disconnects cancels its prediction.

    \b
      replicate-sync gateway --aliases models.toml
      export OPENAI_BASE_URL=http://127.0.0.1:5006/v1 OPENAI_API_KEY=any
    """  # noqa: D301  # click reads the \b
    with require_extra():
        from ..gateway import GatewaySettings, create_app, serve
        from ..gateway.settings import read_aliases
    names = read_aliases(aliases) if aliases else {}
    settings = GatewaySettings(host, key or "", names, origins)
    # waitress says that requests wait for a thread, which they may.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    previous_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with make_client(local=local) as client, require_extra():
            app = create_app(client, settings)
            serve(app, settings, port, on_ready=lambda url: _announce(url, settings))
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    except OSError as error:
        raise click.ClickException(
            f"{host}:{port} cannot be used ({error.strerror}); choose another one with --port."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


def _announce(url: str, settings: GatewaySettings) -> None:
    key = "the key that was given" if settings.key else "any key"
    click.echo(
        f"A gateway is listening at {url}. For a client of OpenAI, with {key}:\n\n"
        f"  export OPENAI_BASE_URL={url}\n"
        f"  export OPENAI_API_KEY={'…' if settings.key else 'any'}\n\n"
        "Ctrl-C stops it."
    )
