"""The root of the command: what is raised below it becomes a message and an exit code."""

from __future__ import annotations

import itertools
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from ..exceptions import ReplicateError
from .echo import echo
from .ending_signals import EndingSignals
from .error_messages import show_error, show_interruption
from .exit_codes import exit_code, exit_code_of_signal

_AS_JSON = f"{__name__}.as_json"


class RootGroup(click.Group):
    """Shows errors as sentences, or as JSON with --json, and ends with their exit codes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command, as click does."""
        _open_closed_streams()
        return super().__call__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and note whether errors are to be JSON."""
        # By the bare words, as an error may be raised before they are parsed.
        options = itertools.takewhile(lambda word: word != "--", args)
        ctx.meta[_AS_JSON] = "--json" in options
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was given."""
        with EndingSignals() as signals:
            return self._invoke(ctx, signals)

    def _invoke(self, ctx: click.Context, signals: EndingSignals) -> object:
        as_json = bool(ctx.meta[_AS_JSON])
        try:
            if sys.stdout is None:
                raise click.ClickException("stdout is closed: a result could not be written.")
            with _library_log(silent=as_json):
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends silently when nobody reads the output any more
        except KeyboardInterrupt as interrupt:
            with suppress(OSError):  # of a terminal that was closed
                show_interruption(interrupt, as_json=as_json)
            ctx.exit(exit_code_of_signal(signals.received))
        except click.ClickException as error:
            if not as_json:
                raise  # click shows it, with the usage where that helps
            show_error(error, as_json=True)
            ctx.exit(error.exit_code)
        except (ReplicateError, OSError) as error:
            show_error(error, as_json=as_json)
            ctx.exit(exit_code(error))
        finally:
            _clear_interrupt_flag()


def _open_closed_streams() -> None:
    """Make a stdin that is closed an empty one, and let a closed stderr take what is written."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  # for good
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class _LogHandler(logging.Handler):
    """Writes to stderr what the library logs, such as that a request is retried."""

    def emit(self, record: logging.LogRecord) -> None:
        echo(record.getMessage(), err=True)


@contextmanager
def _library_log(*, silent: bool) -> Iterator[None]:
    """Show what the library logs to a person. A program finds nothing on stderr but JSON."""
    handler: logging.Handler = logging.NullHandler()
    if not silent:
        handler = _LogHandler(logging.WARNING)
    logger = logging.getLogger("replicate_sync")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _clear_interrupt_flag() -> None:
    """Make the interpreter forget a Ctrl-C that has been handled.

    CPython notes a KeyboardInterrupt as unhandled when it leaves a string run by `exec` or `eval`,
    even if it is caught later; importing a module with a dataclass or a named tuple runs such
    strings. `python -m` would then end by SIGINT instead of with the exit code. The next `exec`
    clears the note.
    """
    exec("")
