"""How a command ends: with which exit code, and with an error in a shell's words."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..errors import (
    TOKEN_PAGE,
    TOKEN_VARIABLE,
    AuthenticationError,
    InvalidInputError,
    MissingAuthError,
    ModelNotFoundError,
    PredictionTimeout,
    ReplicateError,
    StreamError,
    missing_token,
)

FAILED = 1
SOME_FAILED = 5

_INTERRUPTED = 130  # as a shell counts a program that a Ctrl-C has ended
_KINDS: dict[int, tuple[type[Exception], ...]] = {
    2: (InvalidInputError, ModelNotFoundError),
    3: (MissingAuthError, AuthenticationError),
    4: (PredictionTimeout,),
}
# What the library's words for a program mean in a shell.
_WORDS = {
    " or api_key=": "",
    "base_url": "REPLICATE_BASE_URL",
    "Check proxy=, ": "Check ",
    ", or allow more with timeout=": "",
    "pass what you mean in extra_data": "give what you mean with --input",
}
CODES = """\b
Exit codes:
  0    the result is there
  1    the model, the API or a file failed, or nobody read the output to its end
  2    wrong usage, or an input that does not fit; nothing ran
  3    no token, or one that was refused
  4    the prediction still runs, and --timeout is over
  5    some inputs of a map failed; the others have their results
  130  Ctrl-C
"""


class Shell(click.Group):
    """The command's root: what goes wrong below it becomes a sentence, or JSON with --json, and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Asked of the bare words, as an error may come before they are understood.
        ctx.meta[__name__] = "--json" in args[: args.index("--") if "--" in args else None]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _talking(silent=ctx.meta[__name__]):
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends quietly where nobody reads any more
        except KeyboardInterrupt as leaving:
            _tell_left(leaving, as_json=ctx.meta[__name__])
            ctx.exit(_INTERRUPTED)
        except click.ClickException as error:
            if not ctx.meta[__name__]:
                raise  # click shows it, with the usage where that helps
            tell(error, as_json=True)
            ctx.exit(error.exit_code)
        except (ReplicateError, OSError) as error:
            tell(error, as_json=ctx.meta[__name__])
            ctx.exit(code(error))


def code(error: Exception) -> int:
    """Give the exit code for an error."""
    return next((number for number, kinds in _KINDS.items() if isinstance(error, kinds)), FAILED)


def tell(error: Exception, *, as_json: bool) -> None:
    """Write an error to stderr."""
    click.echo(json.dumps({"error": described(error)}) if as_json else f"Error: {words(error)}", err=True)


def described(error: Exception) -> dict[str, Any]:
    """Give an error as JSON: its `type`, its `message`, and the id of the `prediction` it is about, or null."""
    prediction = getattr(error, "prediction", None)
    return {"type": type(error).__name__, "message": words(error), "prediction": prediction.id if prediction else None}


def words(error: Exception) -> str:
    """Say what happened, and what to do about it in a shell."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and not isinstance(error, ReplicateError):
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}."
    if isinstance(error, MissingAuthError) and str(error) == str(missing_token()):
        return (
            f"No API token: set the environment variable {TOKEN_VARIABLE} (tokens are made at {TOKEN_PAGE}), or try without "
            "one, on this machine, with --local."
        )
    about = getattr(error, "prediction", None)
    if isinstance(error, PredictionTimeout) and about:
        if about.ended:
            return (
                f"Prediction {about.id} had not ended in time, and was canceled, as the local server ends with the command."
            )
        return (
            f"Prediction {about.id} is still {about.status}, and runs on: `replicate-sync predictions wait {about.id}` "
            f"waits on, `replicate-sync predictions cancel {about.id}` stops it."
        )
    if isinstance(error, StreamError) and about:
        return (
            f"The stream of prediction {about.id} broke after {len(error.text)} characters, and the rest could not be had: "
            f"`replicate-sync predictions show {about.id}` tells what has become of it."
        )
    return _in_a_shell(str(error))


def _in_a_shell(said: str) -> str:
    for program, shell in _WORDS.items():
        said = said.replace(program, shell)
    return said


class _Talk(logging.Handler):
    """Writes what the library logs, such as that it tries again."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(_in_a_shell(record.getMessage()), err=True)


@contextmanager
def _talking(*, silent: bool) -> Iterator[None]:
    """Let a person see what the library logs; a machine gets nothing on stderr but JSON."""
    handler = logging.NullHandler() if silent else _Talk(logging.WARNING)
    logger = logging.getLogger("replicate_sync")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _tell_left(leaving: KeyboardInterrupt, *, as_json: bool) -> None:
    """Say what has become of what was interrupted, as far as the library told."""
    told = getattr(leaving, "_render_traceback_", None)
    message = "\n".join(told()) if told else "Stopped."
    if as_json:
        found = {"type": type(leaving).__name__, "message": message, "prediction": None}
        click.echo(json.dumps({"error": found}), err=True)
        return
    start = "\n" if sys.stderr.isatty() else ""  # below the terminal's ^C
    click.echo(start + message, err=True)
