"""`replicate-sync chat`: one reply, or a conversation."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from ..client import Replicate
from ..exceptions import InputRejectedError, InvalidInputError, ReplicateError
from ..payloads.inputs import validate_input
from .echo import echo
from .error_messages import show_error
from .exit_codes import FAILED, exit_code
from .options import api_command, complete_model
from .output import write_text
from .parsing import parse_pairs, read_stdin


@click.command(short_help="Ask a language model.")
@click.argument("prompt", required=False)
@click.option(
    "-i",
    "--interactive",
    is_flag=True,
    help="Have a conversation; PROMPT is its first message.",
)
@click.option(
    "-m",
    "--model",
    default=Replicate.default_model,
    show_default=True,
    metavar="MODEL",
    shell_complete=complete_model,
    help="Which language model.",
)
@click.option("-s", "--system", "system_prompt", help="The system prompt.")
@click.option("--max-tokens", type=int, help="How many tokens the reply may have.")
@click.option("--temperature", type=float, help="How random the reply is; 0 is the least.")
@click.option("--top-p", type=float, help="The probability mass that words are chosen from.")
@click.option("--top-k", type=int, help="How many of the likeliest words are chosen from.")
@click.option(
    "--stop", multiple=True, help="End the reply before this text; may be given several times."
)
@click.option(
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other input of the model, as in `run`.",
)
@api_command
def chat(
    client: Replicate,
    as_json: bool,
    prompt: str | None,
    interactive: bool,
    model: str,
    pairs: tuple[str, ...],
    **parameters: Any,
) -> None:
    """Ask a language model, and show its reply as it is written.

    PROMPT is the question. Text that is piped in is the question if there is no PROMPT, and follows
    it otherwise:

    \b
      replicate-sync chat "Why is the sky blue?"
      git diff | replicate-sync chat "Review this."

    With -i, or without any question in a terminal, a conversation begins. An empty line or Ctrl-D
    ends it; Ctrl-C stops a reply. With --json, each piece of the text is a line {"text": "…"}.
    """  # noqa: D301  # click reads the \b
    if pairs:
        extra_data = parse_pairs(pairs, client.models.inputs(model))
        validate_input(extra_data)
        parameters["extra_data"] = extra_data
    is_conversation = interactive or (prompt is None and _is_terminal())
    if is_conversation and as_json:
        raise click.UsageError(
            "A conversation is for people, and --json for programs: leave out one of them."
        )
    with _hint_at_input_option():
        if is_conversation:
            _Conversation(client, model, parameters).run(prompt)
        else:
            pieces = client.chat(_question(prompt), model, **parameters)
            write_text(pieces, as_json=as_json)


@contextmanager
def _hint_at_input_option() -> Iterator[None]:
    """Say what to do in a shell about a parameter that cannot be sent; the rest is validated."""
    try:
        yield
    except InputRejectedError:
        raise
    except InvalidInputError as error:
        hint = "Leave it out, or give what you mean with --input."
        raise InvalidInputError(error.message, hint=hint) from error


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _question(prompt: str | None) -> str:
    """Return the argument, followed by what is piped in."""
    parts = [prompt or ""]
    if not sys.stdin.isatty():
        parts.append(read_stdin())
    parts = [part for part in parts if part.strip()]
    if not parts:
        raise click.UsageError(
            "There is no question: give it as an argument, pipe it in, or begin a conversation "
            "with -i."
        )
    return "\n\n".join(parts)


class _Conversation:
    """Questions and replies, each sent with everything before it."""

    def __init__(self, client: Replicate, model: str, parameters: dict[str, Any]) -> None:
        self._client = client
        self._model = model
        self._parameters = parameters
        self._messages: list[dict[str, str]] = []

    def run(self, first_question: str | None) -> None:
        """Reply until there are no more questions."""
        question = first_question or _read_question()
        while question.strip():
            self._messages.append({"role": "user", "content": question})
            pieces: list[str] = []
            try:
                write_text(self._reply(), as_json=False, written=pieces)
            except KeyboardInterrupt:
                echo("\n(The reply was stopped.)", err=True)
            except ReplicateError as error:
                if exit_code(error) != FAILED:
                    raise  # the next question would fail as well
                show_error(error, as_json=False)
            self._keep("".join(pieces))
            question = _read_question()

    def _reply(self) -> Generator[str, None, None]:
        return self._client.chat(self._messages, self._model, **self._parameters)

    def _keep(self, reply: str) -> None:
        """Keep a reply, also one that was stopped: the next question may be about it.

        A question without a reply is removed: a model would reply to it along with the next one.
        """
        if reply:
            self._messages.append({"role": "assistant", "content": reply})
        else:
            self._messages.pop()


def _read_question() -> str:
    """Return the next question; "" at the end of the input, and at Ctrl-C."""
    try:
        if _is_terminal():
            with suppress(ImportError):
                # Makes input() a line that can be edited, with a history.
                import readline  # noqa: F401
            return input("> ")
        if sys.stdin.isatty():
            echo("> ", nl=False, err=True)
        return sys.stdin.readline().rstrip("\n")
    except (EOFError, KeyboardInterrupt):
        echo(err=True)
        return ""
