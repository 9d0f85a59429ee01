"""The options that several commands have, and the client that they make."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ..exceptions import PredictionTimeout
from ..http.config import ApiConfig

if TYPE_CHECKING:
    from ..client import Replicate

Command = Callable[..., object]

_ATTEMPTS = 10_000_000  # how long to wait is decided by whoever waits, with Ctrl-C or --timeout


def api_command(command: Command) -> Command:
    """Return a command with the options --local and --json.

    Args:
        command: Called with the `client`, with `as_json`, and with its own parameters.
    """

    @click.option(
        "--local",
        is_flag=True,
        help=(
            "Use a local server inside this command: no token, no network. It ends with the "
            "command, and keeps nothing."
        ),
    )
    @click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Write JSON, for programs; errors as well, to stderr.",
    )
    @click.pass_context
    @functools.wraps(command)
    def command_with_client(ctx: click.Context, /, local: bool, **parameters: object) -> object:
        with make_client(local=local) as client:
            return ctx.invoke(command, client=client, **parameters)

    return command_with_client


@contextmanager
def make_client(*, local: bool) -> Iterator[Replicate]:
    """Yield a client that waits for as long as it takes; a context manager.

    Args:
        local: Whether it is one of a local server, which ends with it.
    """
    from ..client import Replicate  # late, as commands without a client have these options too
    from ..polling import Polling

    polling = Polling(attempts=_ATTEMPTS, delay=2.0)
    if not local:
        ApiConfig(None).read()  # a missing token is an error before stdin is read
        with Replicate(polling=polling) as client:
            yield client
        return
    with require_extra():
        from ..server import LocalServer
    with LocalServer() as server:
        client = Replicate(server.token, base_url=server.url, proxy="", polling=polling)
        with client:
            try:
                yield client
            except PredictionTimeout as error:
                if error.prediction is not None:
                    error.prediction.cancel()  # it ends with the server
                raise


@contextmanager
def require_extra() -> Iterator[None]:
    """Turn a missing extra, such as "server", into one sentence."""
    try:
        yield
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def should_show_progress(progress: bool | None) -> bool:
    """Return whether to display progress bars.

    Args:
        progress: What --progress or --no-progress says. By default they are displayed where stderr
            is a terminal that can redraw a line, and tqdm is installed.
    """
    from ..display.progress import require_tqdm

    is_wanted = progress
    if progress is None:
        is_wanted = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if not is_wanted:
        return False
    try:
        require_tqdm()
    except ImportError as error:
        if progress is None:
            return False
        raise click.ClickException(str(error)) from error
    return True


def model_argument(command: Command) -> Command:
    """Return a command with the argument MODEL."""
    return click.argument("model", shell_complete=complete_model)(command)


def out_option(command: Command) -> Command:
    """Return a command with the option --out for a result."""
    return click.option(
        "-o",
        "--out",
        metavar="PATH",
        help="Save the result as this file, or in this folder, if it ends with a slash.",
    )(command)


def progress_option(command: Command) -> Command:
    """Return a command with the option --progress."""
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="Display progress bars on stderr. By default if stderr is a terminal.",
    )(command)


def timeout_option(command: Command) -> Command:
    """Return a command with the option --timeout."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help=(
            "Wait for at most this long; after that the prediction keeps running, and the exit "
            "code is 4."
        ),
    )(command)


def limit_option(command: Command) -> Command:
    """Return a command with the option --limit."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="List at most this many.",
    )(command)


def local_flag(command: Command) -> Command:
    """Return a command that takes --local, although it is always local."""
    return click.option("--local", is_flag=True, expose_value=False, hidden=True)(command)


def complete_model(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the known models whose names begin so, for the shell's completion; no request."""
    from ..client import Replicate
    from ..homepage import ReplicateHome

    names = [*Replicate.models, *Replicate.model_aliases, *ReplicateHome.models]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
