"""`replicate-sync serve`: a local server, for other programs."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import click

from .options import local_flag, require_extra

if TYPE_CHECKING:
    from ..server import LocalServer

_DEFAULT_TOKEN = "r8_local"
_REPLICATE = "https://api.replicate.com/v1"
_REPLICATES_RETENTION = 3600.0  # seconds


@click.command(short_help="Serve a local Replicate until Ctrl-C.")
@click.argument("predictor", required=False)
@click.option(
    "--as",
    "name",
    metavar="OWNER/NAME",
    help="The name of the predictor, or of the Cog server, as a model.",
)
@click.option(
    "--cog-url", metavar="URL", help="Use a Cog server that is running, instead of a predictor."
)
@click.option(
    "--cog",
    "further",
    metavar="OWNER/NAME=PREDICTOR",
    multiple=True,
    help="A further predictor, with its name; repeatable.",
)
@click.option(
    "--reload", "reload", is_flag=True, help="Start predictors again when their files change."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; any other than this machine's needs --token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5005,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option("--token", help=f"The API token to accept.  [default: {_DEFAULT_TOKEN}]")
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A further name of this server, such as that of a proxy; repeatable.",
)
@click.option(
    "--file-host",
    "file_hosts",
    metavar="HOST[:PORT]",
    multiple=True,
    help="A host that file inputs may be fetched from; repeatable.",
)
@click.option(
    "--keep",
    "keep_predictions",
    metavar="N",
    type=click.IntRange(1),
    help="How many predictions that are over are kept.  [default: 5000; with --data 50000]",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False),
    help="A folder that keeps predictions, files, models and deployments over a restart.",
)
@click.option(
    "--retention",
    metavar="SECONDS",
    type=click.FloatRange(0),
    is_flag=False,
    flag_value=_REPLICATES_RETENTION,
    help="Remove what predictions of the API were given and made so long after their end; "
    f"without a number after {_REPLICATES_RETENTION:g}, as Replicate does.",
)
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Pass every request on to --upstream, and write down what comes back, without secrets.",
)
@click.option(
    "--upstream",
    metavar="URL",
    help=f"The API to record.  [default: {_REPLICATE}, with the token in REPLICATE_API_TOKEN]",
)
@click.option(
    "--public-url", metavar="URL", help="Where --upstream reaches this server, for webhooks."
)
@click.option(
    "--replay",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Respond with what --record wrote, and send nothing anywhere.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="What the times of --replay are multiplied by; 0 waits for nothing.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the server's page in a browser.")
@local_flag
def serve(
    predictor: str | None,
    name: str | None,
    cog_url: str | None,
    further: tuple[str, ...],
    reload: bool,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: tuple[str, ...],
    file_hosts: tuple[str, ...],
    keep_predictions: int | None,
    data: str | None,
    retention: float | None,
    record: str | None,
    upstream: str | None,
    public_url: str | None,
    replay: str | None,
    speed: float,
    open_page: bool,
) -> None:
    """Serve a local Replicate until Ctrl-C: the same HTTP API, with stand-in models and a web page.

    PREDICTOR is a Cog predictor to serve beside them, without docker: its file and class, such as
    predict.py:Predictor, or a folder whose cog.yaml names it.

    \b
      replicate-sync serve predict.py:Predictor --as me/model
    """  # noqa: D301  # click reads the \b
    with require_extra():
        from ..server import LocalServer
    _check_token(host, token)
    predictors = [*_predictors(predictor, name, cog_url), *map(_parse_predictor, further)]
    if record and replay:
        raise click.UsageError("Give --record or --replay, not both.")
    try:
        server = LocalServer(
            host,
            port,
            token=token or _DEFAULT_TOKEN,
            allowed_hosts=allowed_hosts,
            file_hosts=file_hosts,
            keep_predictions=keep_predictions,
            data=data,
            retention=retention,
        )
        if record:
            api_token = os.environ.get("REPLICATE_API_TOKEN", "")
            server.record(record, upstream or _REPLICATE, token=api_token, public_url=public_url)
        if replay:
            server.replay(replay, speed=speed)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _run(server, predictors, reload, open_page)


class _Predictor(NamedTuple):
    """A Cog predictor to serve.

    Attributes:
        name: Its name as a model.
        source: Its file and class, or a folder, or None.
        url: Instead of these the URL of a Cog server.
    """

    name: str
    source: str | None
    url: str | None


def _check_token(host: str, token: str | None) -> None:
    from ..server import loopback

    if not token and not loopback(host):
        raise click.UsageError(
            f"Anyone who reaches {host} could run models here: set the token to accept with "
            "--token."
        )


def _predictors(predictor: str | None, name: str | None, cog_url: str | None) -> list[_Predictor]:
    if predictor and cog_url:
        raise click.UsageError("Give a predictor or --cog-url, not both.")
    if bool(predictor or cog_url) != bool(name):
        raise click.UsageError(
            "A predictor or --cog-url goes together with --as and its name as a model."
        )
    if name is None:
        return []
    return [_Predictor(name, predictor, cog_url)]


def _parse_predictor(text: str) -> _Predictor:
    name, equals, source = text.partition("=")
    if not equals or not source:
        raise click.UsageError(
            f"--cog is a name and a predictor, such as me/model=predict.py: {text}"
        )
    return _Predictor(name, source, None)


def _run(server: LocalServer, predictors: list[_Predictor], reload: bool, open_page: bool) -> None:
    from ..server import CogError

    # A model's process is stopped in order at SIGTERM as well.
    previous_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for predictor in predictors:
            click.echo(f"Starting {predictor.name} ...")
            server.cog(predictor.name, predictor.source, url=predictor.url, reload=reload)
        _serve_forever(server, open_page)
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    except OSError as error:
        raise click.ClickException(
            f"Port {server.port} of {server.host} cannot be used ({error.strerror}); choose "
            "another port with --port, or an address of this machine with --host."
        ) from error
    except CogError as error:
        click.secho(error.output, dim=True, err=True, nl=bool(error.output))
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        server.stop()
        signal.signal(signal.SIGTERM, previous_handler)


def _serve_forever(server: LocalServer, open_page: bool) -> None:
    server.start()
    click.echo(
        f"A local Replicate is listening at {server.url}. In another terminal:\n\n"
        f"  export REPLICATE_BASE_URL={server.url}\n"
        f"  export REPLICATE_API_TOKEN={server.token}\n\n"
        f"Its models, predictions and requests are shown at {server.origin}\n"
        "Ctrl-C stops it."
    )
    if open_page:
        click.launch(server.origin)
    while True:
        time.sleep(3600)
