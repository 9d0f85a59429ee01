"""What the commands that call the API have in common: their options, and the client that they are given."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from .. import bars
from ..client import Replicate
from ..errors import PredictionTimeout
from ..homepage import ReplicateHome
from ..polling import Polling
from ..predictions import Prediction
from ..refs import parse
from ..schemas import Inputs
from ..settings import Access

# A person who waits decides for how long, with Ctrl-C or --timeout, and looks on meanwhile.
_PATIENT = Polling(attempts=10_000_000, delay=2.0)

Command = Callable[..., Any]


def calling(command: Command) -> Command:
    """Give a command the options --local and --json, and open its `client` with them; it is called with `as_json` too."""

    @click.option(
        "--local",
        is_flag=True,
        help="Use a Replicate inside this command: no token, no network. It ends with the command, and forgets all.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Write JSON, for machines; errors as well, on stderr.")
    @click.pass_context
    @functools.wraps(command)
    def opened(ctx: click.Context, /, local: bool, **given: Any) -> Any:
        with _client(local) as client:
            return ctx.invoke(command, client=client, **given)

    return opened


@contextmanager
def _client(local: bool) -> Iterator[Replicate]:
    if not local:
        Access(None).read()  # a missing token is told before anything is read or asked
        with Replicate(polling=_PATIENT) as client:
            yield client
        return
    with needing_the_server():
        from ..server import LocalServer
    with LocalServer() as server, Replicate(server.token, base_url=server.url, proxy="", polling=_PATIENT) as client:
        try:
            yield client
        except PredictionTimeout as error:
            error.prediction.cancel()  # it could not run on
            raise


@contextmanager
def needing_the_server() -> Iterator[None]:
    """End with one sentence where the extra "server" is missing."""
    try:
        yield
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def inputs_of(client: Replicate, model: str) -> Inputs:
    """Give what a model takes; nothing where that cannot be known.

    The client remembers it, and from then on checks each input against it before anything is sent.
    """
    return client._catalog.inputs(parse(client.get_model(model)), fetch=True)


def result_of(client: Replicate, prediction: Prediction) -> Any:
    """Give what `client.run` would have given for a prediction."""
    return client._result(prediction)


def wants_progress(given: bool | None) -> bool:
    """Whether to show bars: as the person said, else where stderr is a terminal and they can be had."""
    try:
        if wanted := sys.stderr.isatty() if given is None else given:
            bars.check()
    except ImportError as error:
        if given:
            raise click.ClickException(str(error)) from error
        return False
    return wanted


def model_argument(command: Command) -> Command:
    """Give a command the argument MODEL."""
    return click.argument("model", shell_complete=complete_model)(command)


def progress_option(command: Command) -> Command:
    """Give a command the option --progress."""
    shown = "Show bars on stderr. By default where stderr is a terminal."
    return click.option("--progress/--no-progress", default=None, help=shown)(command)


def timeout_option(command: Command) -> Command:
    """Give a command the option --timeout."""
    told = "Wait so many seconds at most; the prediction runs on after that, and the exit code is 4."
    above = click.FloatRange(min=0, min_open=True)
    return click.option("--timeout", type=above, metavar="SECONDS", help=told)(command)


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the known names of models that begin so, for the shell's completion; nothing is asked of the network."""
    known = [*Replicate.models, *Replicate.model_aliases, *ReplicateHome.models]
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]
